//! `model.toml`: what a model takes and gives, in words that a person writes.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use sha2::{Digest, Sha256};
use toml::{Table, Value};

use super::{Labels, Layout};
use crate::error::Error;

/// Every key that a manifest may have, by section.
pub const KEYS: &[(&str, &[&str])] = &[
    ("", &["model", "input", "graph", "outputs", "labels"]),
    ("model", &["name", "version"]),
    (
        "input",
        &["frames", "fps", "hop", "width", "height", "color", "resize", "layout", "dtype", "mean", "std"],
    ),
    ("graph", &["kind", "file", "encoder", "head", "input", "sha256"]),
    ("outputs", &["scores", "boxes", "relevance", "attention", "queries"]),
    ("outputs.scores", &["name", "activation"]),
    ("outputs.boxes", &["name", "format"]),
    ("outputs.relevance", &["name"]),
    ("outputs.attention", &["name"]),
    ("outputs.queries", &["name"]),
    ("labels", &["file", "names", "background"]),
];

/// Largest number of samples in a window, rows or columns that a manifest may ask for.
const MOST: usize = 8192;

/// Order of the colour channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Color {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
    /// One channel.
    Gray,
}

/// How a frame is brought to the model's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Resize {
    /// The whole picture, its aspect changed.
    Stretch,
    /// The centre of the picture, its aspect kept.
    Crop,
    /// The whole picture, its aspect kept, black beside it.
    Letterbox,
}

/// Element type of the model's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// Bytes, 0..255.
    Uint8,
    /// 32-bit floats.
    Float32,
    /// 16-bit floats.
    Float16,
}

/// What turns the scores output into scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// Scores of a window sum to 1.
    Softmax,
    /// Each class for itself.
    Sigmoid,
    /// The graph's output is the score.
    None,
}

/// How the four numbers of a box are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BoxFormat {
    /// Centre x, centre y, width, height.
    Cxcywh,
    /// Left, top, right, bottom.
    Xyxy,
}

/// The graphs of a model, with paths as they lie on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GraphKind {
    /// One graph over the whole window.
    Clip {
        /// The graph.
        file: PathBuf,
    },
    /// A graph over each sampled frame, and one over the outputs of a window's samples.
    Split {
        /// Graph over one sampled frame.
        encoder: PathBuf,
        /// Graph over the encoder's outputs.
        head: PathBuf,
    },
}

impl GraphKind {
    /// The files, in the order they run.
    #[must_use]
    pub fn files(&self) -> Vec<&Path> {
        match self {
            Self::Clip { file } => vec![file],
            Self::Split { encoder, head } => vec![encoder, head],
        }
    }
}

/// What the model takes.
#[derive(Debug, Clone)]
pub struct InputSpec {
    /// Samples in a window.
    pub frames: usize,
    /// Samples a second.
    pub fps: f64,
    /// Samples between windows.
    pub hop: usize,
    /// Columns of a sample.
    pub width: usize,
    /// Rows of a sample.
    pub height: usize,
    /// Order of the channels.
    pub color: Color,
    /// How frames are brought to that size.
    pub resize: Resize,
    /// Order of the axes.
    pub layout: Layout,
    /// Element type.
    pub dtype: Dtype,
    /// Mean and deviation by channel on the 0..255 scale; `None` leaves values as they are.
    pub normalize: Option<(Vec<f32>, Vec<f32>)>,
    /// Name of the frame input; `None` where the graph's only input is meant.
    pub name: Option<String>,
}

impl InputSpec {
    /// Number of colour channels.
    #[must_use]
    pub fn channels(&self) -> usize {
        if self.color == Color::Gray { 1 } else { 3 }
    }
}

/// Which outputs of the last graph mean what.
#[derive(Debug, Clone)]
pub struct OutputSpec {
    /// Scores, `[N, C]`.
    pub scores: String,
    /// What turns them into scores.
    pub activation: Activation,
    /// Boxes, `[N, K, T, 4]`, 0..1 of the model's input.
    pub boxes: Option<(String, BoxFormat)>,
    /// Weight of each sample in a tracklet, `[N, K, T]`.
    pub relevance: Option<String>,
    /// Attention maps, `[N, K, T, h, w]`; checked, not read.
    pub attention: Option<String>,
    /// Label ids of the text queries, `[N, K]`.
    pub queries: Option<String>,
}

/// A manifest that was read and found to be sound in itself.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// The file it was read from.
    pub path: PathBuf,
    /// Name of the model.
    pub name: String,
    /// Version of the model; may be empty.
    pub version: String,
    /// What the model takes.
    pub input: InputSpec,
    /// Its graphs.
    pub graph: GraphKind,
    /// What it gives.
    pub outputs: OutputSpec,
    /// Its classes.
    pub labels: Labels,
}

#[derive(Deserialize)]
struct RawManifest {
    model: RawModel,
    input: RawInput,
    graph: RawGraph,
    outputs: RawOutputs,
    labels: RawLabels,
}

#[derive(Deserialize)]
struct RawModel {
    name: String,
    #[serde(default)]
    version: String,
}

#[derive(Deserialize)]
struct RawInput {
    frames: usize,
    fps: f64,
    hop: Option<usize>,
    width: usize,
    height: usize,
    #[serde(default = "default_color")]
    color: Color,
    #[serde(default = "default_resize")]
    resize: Resize,
    layout: String,
    dtype: Dtype,
    mean: Option<Vec<f32>>,
    std: Option<Vec<f32>>,
}

#[derive(Deserialize)]
struct RawGraph {
    kind: String,
    file: Option<PathBuf>,
    encoder: Option<PathBuf>,
    head: Option<PathBuf>,
    input: Option<String>,
    #[serde(default)]
    sha256: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct RawOutputs {
    scores: RawScores,
    boxes: Option<RawBoxes>,
    relevance: Option<RawOutput>,
    attention: Option<RawOutput>,
    queries: Option<RawOutput>,
}

#[derive(Deserialize)]
struct RawScores {
    name: String,
    #[serde(default = "default_activation")]
    activation: Activation,
}

#[derive(Deserialize)]
struct RawBoxes {
    name: String,
    format: BoxFormat,
}

#[derive(Deserialize)]
struct RawOutput {
    name: String,
}

#[derive(Deserialize)]
struct RawLabels {
    file: Option<PathBuf>,
    names: Option<Vec<String>>,
    #[serde(default)]
    background: Vec<String>,
}

fn default_color() -> Color {
    Color::Rgb
}

fn default_resize() -> Resize {
    Resize::Stretch
}

fn default_activation() -> Activation {
    Activation::Softmax
}

impl Manifest {
    /// Reads the manifest at `location`, a folder with a `model.toml` or the file itself, and the labels and
    /// checksums it names.
    ///
    /// # Errors
    /// When a file is missing, a key is unknown, missing or wrong, or a checksum differs.
    pub fn load(location: &Path) -> Result<Self, Error> {
        let path = if location.is_dir() { location.join("model.toml") } else { location.to_owned() };
        let hint = "the property model takes a folder with a model.toml, or that file";
        let what = if location.is_dir() { "manifest" } else { "model folder or manifest" };
        let bytes = std::fs::read(&path).map_err(|source| Error::from_io(&path, what, hint, source))?;
        Self::parse(&bytes, &path)
    }

    /// Reads a manifest from the bytes of the file `path`.
    ///
    /// # Errors
    /// As [`Manifest::load`].
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self, Error> {
        let text = std::str::from_utf8(bytes).map_err(|fault| {
            let found = format!("byte 0x{:02x} at {}", bytes[fault.valid_up_to()], fault.valid_up_to());
            Error::contents(path, "text", found, "UTF-8 text in TOML")
        })?;
        let table: Table = text.parse().map_err(|fault: toml::de::Error| {
            let before = &text[..fault.span().map_or(0, |span| span.start)];
            let line = before.matches('\n').count() + 1;
            Error::contents(
                path,
                format!("line {line}"),
                one_line(fault.message()),
                "TOML as the README describes it",
            )
        })?;
        check_keys(&table, path)?;
        let raw: RawManifest = Value::Table(table).try_into().map_err(|fault: toml::de::Error| {
            let expected = "the keys and types that the README describes";
            Error::contents(path, "contents", one_line(&fault.to_string()), expected)
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let graph = graph_kind(&raw.graph, folder, path)?;
        let input = input_spec(raw.input, &raw.graph, path)?;
        if matches!(graph, GraphKind::Clip { .. }) && !input.layout.has_time() {
            return Err(Error::contents(
                path,
                "input.layout",
                format!("{} without T", input.layout),
                "a layout with a time axis, such as NTHWC or N(TC)HW, for a clip graph",
            ));
        }
        let names = match (raw.labels.names, &raw.labels.file) {
            (Some(names), None) => names,
            (None, Some(file)) => {
                let file = folder.join(file);
                let hint = "labels.file names it, relative to the manifest";
                let bytes = std::fs::read(&file)
                    .map_err(|source| Error::from_io(&file, "labels file", hint, source))?;
                Labels::read(&bytes, &file)?
            }
            (names, _) => {
                let found = if names.is_some() { "both file and names" } else { "neither file nor names" };
                return Err(Error::contents(path, "labels", found, "one of file and names"));
            }
        };
        let labels_origin = raw.labels.file.map_or_else(|| path.to_owned(), |file| folder.join(file));
        let labels = Labels::new(names, &raw.labels.background, &labels_origin)?;
        let outputs = OutputSpec {
            scores: raw.outputs.scores.name,
            activation: raw.outputs.scores.activation,
            boxes: raw.outputs.boxes.map(|boxes| (boxes.name, boxes.format)),
            relevance: raw.outputs.relevance.map(|output| output.name),
            attention: raw.outputs.attention.map(|output| output.name),
            queries: raw.outputs.queries.map(|output| output.name),
        };
        for file in graph.files() {
            let size = std::fs::metadata(file).map_err(|source| {
                Error::from_io(file, "graph file", &format!("{} names it", path.display()), source)
            })?;
            if !size.is_file() {
                return Err(Error::contents(file, "graph file", "a folder", "an ONNX file"));
            }
        }
        check_sums(&raw.graph.sha256, &graph, folder, path)?;
        Ok(Self {
            path: path.to_owned(),
            name: raw.model.name,
            version: raw.model.version,
            input,
            graph,
            outputs,
            labels,
        })
    }
}

fn graph_kind(raw: &RawGraph, folder: &Path, path: &Path) -> Result<GraphKind, Error> {
    match (raw.kind.as_str(), &raw.file, &raw.encoder, &raw.head) {
        ("clip", Some(file), None, None) => Ok(GraphKind::Clip { file: folder.join(file) }),
        ("split", None, Some(encoder), Some(head)) => {
            Ok(GraphKind::Split { encoder: folder.join(encoder), head: folder.join(head) })
        }
        ("clip", ..) => {
            Err(Error::contents(path, "graph", "other files", "kind = \"clip\" with file, and no other file"))
        }
        ("split", ..) => Err(Error::contents(
            path,
            "graph",
            "other files",
            "kind = \"split\" with encoder and head, and no other file",
        )),
        (other, ..) => {
            Err(Error::contents(path, "graph.kind", format!("{other:?}"), "\"clip\" or \"split\""))
        }
    }
}

fn input_spec(raw: RawInput, graph: &RawGraph, path: &Path) -> Result<InputSpec, Error> {
    for (key, value) in [("frames", raw.frames), ("width", raw.width), ("height", raw.height)] {
        if !(1..=MOST).contains(&value) {
            return Err(Error::contents(
                path,
                format!("input.{key}"),
                value.to_string(),
                format!("1 to {MOST}"),
            ));
        }
    }
    if !(raw.fps.is_finite() && raw.fps > 0.0 && raw.fps <= 1000.0) {
        return Err(Error::contents(path, "input.fps", raw.fps.to_string(), "above 0, at most 1000"));
    }
    let hop = raw.hop.unwrap_or(raw.frames);
    if !(1..=raw.frames).contains(&hop) {
        return Err(Error::contents(
            path,
            "input.hop",
            hop.to_string(),
            format!("1 to {} (input.frames)", raw.frames),
        ));
    }
    let layout = Layout::parse(&raw.layout)
        .map_err(|fault| Error::contents(path, "input.layout", fault, "N, C, H, W and T once each"))?;
    let channels = if raw.color == Color::Gray { 1 } else { 3 };
    let normalize = match (raw.mean, raw.std) {
        (None, None) => None,
        (mean, std) => {
            let mean = mean.unwrap_or_else(|| vec![0.0; channels]);
            let std = std.unwrap_or_else(|| vec![1.0; channels]);
            for (key, values) in [("mean", &mean), ("std", &std)] {
                if values.len() != channels || values.iter().any(|value| !value.is_finite()) {
                    return Err(Error::contents(
                        path,
                        format!("input.{key}"),
                        format!("{values:?}"),
                        format!("{channels} finite numbers, one a channel"),
                    ));
                }
            }
            if std.contains(&0.0) {
                return Err(Error::contents(path, "input.std", format!("{std:?}"), "numbers other than 0"));
            }
            let plain = mean.iter().all(|&m| m == 0.0) && std.iter().all(|&s| s == 1.0);
            if !plain && raw.dtype == Dtype::Uint8 {
                return Err(Error::contents(
                    path,
                    "input.mean and input.std",
                    "dtype = \"uint8\" beside them",
                    "float32 or float16, or no mean and std: bytes cannot be normalised",
                ));
            }
            (!plain).then_some((mean, std))
        }
    };
    Ok(InputSpec {
        frames: raw.frames,
        fps: raw.fps,
        hop,
        width: raw.width,
        height: raw.height,
        color: raw.color,
        resize: raw.resize,
        layout,
        dtype: raw.dtype,
        normalize,
        name: graph.input.clone(),
    })
}

/// The lines of a message as one.
fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Refuses keys that no manifest has, and names the nearest one that it may have.
fn check_keys(table: &Table, path: &Path) -> Result<(), Error> {
    let known = |section: &str| KEYS.iter().find(|(name, _)| *name == section).map(|(_, keys)| *keys);
    let mut open = vec![(String::new(), table)];
    while let Some((section, table)) = open.pop() {
        let Some(keys) = known(&section) else { continue };
        for (key, value) in table {
            let name = if section.is_empty() { key.clone() } else { format!("{section}.{key}") };
            if !keys.contains(&key.as_str()) {
                let near = keys
                    .iter()
                    .max_by(|a, b| strsim::jaro_winkler(a, key).total_cmp(&strsim::jaro_winkler(b, key)));
                let near = near.map_or(String::new(), |near| format!("; did you mean {near:?}?"));
                return Err(Error::contents(
                    path,
                    name,
                    "a key that no manifest has",
                    format!("one of {}{near}", keys.join(", ")),
                ));
            }
            if let Value::Table(inner) = value {
                open.push((name, inner));
            }
        }
    }
    Ok(())
}

fn check_sums(
    sums: &BTreeMap<String, String>,
    graph: &GraphKind,
    folder: &Path,
    path: &Path,
) -> Result<(), Error> {
    for (name, expected) in sums {
        let file = folder.join(name);
        if !graph.files().contains(&file.as_path()) {
            return Err(Error::contents(
                path,
                "graph.sha256",
                format!("{name:?}, which is no graph of this model"),
                "names of its graph files",
            ));
        }
        let found = sha256_of(&file)?;
        if !found.eq_ignore_ascii_case(expected) {
            return Err(Error::contents(
                &file,
                "sha256",
                found,
                format!("{expected} by {}: copy the file again, or mend the sum", path.display()),
            ));
        }
    }
    Ok(())
}

/// The SHA-256 of a file, in lower-case hexadecimal digits.
///
/// # Errors
/// When the file cannot be read.
pub fn sha256_of(file: &Path) -> Result<String, Error> {
    let bytes = std::fs::read(file)
        .map_err(|source| Error::from_io(file, "graph file", "the manifest names it", source))?;
    Ok(Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = r#"
        [model]
        name = "tiny"
        [input]
        frames = 4
        fps = 10.0
        width = 8
        height = 8
        layout = "NTHWC"
        dtype = "uint8"
        [graph]
        kind = "clip"
        file = "clip.onnx"
        [outputs]
        scores = { name = "logits" }
        [labels]
        names = ["pike", "background"]
        background = ["background"]
    "#;

    fn load(text: &str) -> Result<Manifest, Error> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("clip.onnx"), b"graph").unwrap();
        std::fs::write(folder.path().join("model.toml"), text).unwrap();
        Manifest::load(folder.path())
    }

    #[test]
    fn a_bare_minimum_has_honest_defaults() {
        let manifest = load(SOUND).unwrap();
        assert_eq!(manifest.input.hop, 4);
        assert_eq!(manifest.input.resize, Resize::Stretch);
        assert_eq!(manifest.outputs.activation, Activation::Softmax);
        assert!(manifest.labels.is_background(1) && !manifest.labels.is_background(0));
    }

    #[test]
    fn faults_name_the_key_what_was_found_and_what_was_expected() {
        let sum = "[graph.sha256]\n\"clip.onnx\" = \"00ff\"\n[outputs]";
        for (from, to, words) in [
            ("frames = 4", "frmaes = 4", ["input.frmaes", "did you mean \"frames\"?"]),
            ("frames = 4", "frames = 0", ["input.frames: found 0", "1 to 8192"]),
            ("frames = 4", "", ["missing field", "frames"]),
            ("fps = 10.0", "fps = -1.0", ["input.fps", "above 0"]),
            ("fps = 10.0", "fps = 10.0\nhop = 5", ["input.hop: found 5", "1 to 4"]),
            ("NTHWC", "NHWC", ["input.layout", "time axis"]),
            ("NTHWC", "NTHWQ", ["input.layout", "'Q'"]),
            ("\"clip\"", "\"slip\"", ["graph.kind", "\"slip\""]),
            ("clip.onnx\"", "gone.onnx\"", ["gone.onnx", "no such graph file"]),
            ("file = \"clip.onnx\"", "encoder = \"clip.onnx\"", ["graph", "with file"]),
            ("dtype = \"uint8\"", "dtype = \"uint8\"\nmean = [1, 2, 3]", ["input.mean", "float32"]),
            ("dtype = \"uint8\"", "dtype = \"float32\"\nstd = [1.0]", ["input.std", "3 finite numbers"]),
            ("dtype = \"uint8\"", "dtype = \"int3\"", ["int3", "uint8"]),
            ("[\"pike\", \"background\"]", "[]", ["labels", "found none"]),
            ("[outputs]", sum, ["clip.onnx: sha256", "expected 00ff"]),
            ("[model]", "[model", ["line 2", "TOML"]),
        ] {
            let fault = load(&SOUND.replacen(from, to, 1)).unwrap_err().to_string();
            for word in words {
                assert!(fault.contains(word), "{to}: {fault}");
            }
        }
    }

    #[test]
    fn a_missing_folder_says_what_to_give() {
        let fault = Manifest::load(Path::new("/nowhere/model")).unwrap_err().to_string();
        assert!(fault.contains("/nowhere/model") && fault.contains("model.toml"), "{fault}");
    }
}
