//! What a contender is told and what it tells.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

/// What to do.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Job {
    /// Folder with a `model.toml`, or that file.
    pub model: PathBuf,
    /// Pictures of the model's size and colours, one after the other. They are shown again from the first one when there
    /// are no more.
    pub pictures: PathBuf,
    /// How many windows to classify, of each stream.
    pub windows: usize,
    /// Samples from the start of a window to the start of the next.
    pub hop: usize,
    /// Threads that a run of a graph may use.
    pub threads: usize,
    /// Whether to say `ready` when the model is loaded, and wait for a line before the clock starts.
    #[serde(default)]
    pub gate: bool,
    /// Who does it.
    pub runner: Runner,
}

/// Who runs the model.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Runner {
    /// A loop around ONNX Runtime.
    Bare {
        /// Windows in a run of a clip graph.
        batch: usize,
        /// Whether threads spin between runs, ONNX Runtime's own default.
        spinning: bool,
    },
    /// `artclassify` in a pipeline.
    Element {
        /// Elements side by side in the pipeline, each with a source of its own.
        streams: usize,
        /// More properties, as in a launch line.
        properties: String,
        /// Whether the first stream gets its frames in their time, and the others go on for as long as it does.
        #[serde(default)]
        light: bool,
    },
}

/// Scores by label id.
pub type Scores = BTreeMap<u32, f32>;

/// What it cost.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Windows of all streams.
    pub windows: usize,
    /// Seconds from the first sample to the last result.
    pub wall: f64,
    /// CPU seconds of the process in that time.
    pub cpu: f64,
    /// Most resident memory of the process up to then, in MB.
    pub peak_mb: f64,
    /// Milliseconds from a window's last sample to its result in the first stream of the element: median, and what 90 of
    /// 100 stay below.
    pub result_ms: Option<[f64; 2]>,
    /// The scores of each window of the first stream, or the best of them.
    pub scores: Vec<Scores>,
}
