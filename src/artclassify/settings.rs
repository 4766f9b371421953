//! The properties of `artclassify`.

use std::sync::LazyLock;

use gst::{glib, prelude::*};

use super::choices::{Alignment, EosPolicy, Policy, Roi};
use crate::{
    action::ActionSettings,
    runtime::{PROVIDERS, names},
};

/// Largest number of a GPU.
const MOST_DEVICES: u32 = 255;

/// Values of the properties that can be set.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Folder with a `model.toml`, or that file.
    pub model: Option<String>,
    /// When a frame leaves, and with which result.
    pub alignment: Alignment,
    /// What happens when the model is too slow.
    pub policy: Policy,
    /// What becomes of a part window at the end.
    pub eos: EosPolicy,
    /// Samples between windows; 0 for the model's own.
    pub hop: u32,
    /// Classes in the metadata.
    pub top_k: u32,
    /// Execution providers to try, in order; none for the default.
    pub providers: Option<String>,
    /// Whether only the first of them will do.
    pub strict: bool,
    /// Number of the GPU.
    pub device: u32,
    /// Threads of all runs on the CPU; 0 for as many as there are cores.
    pub threads: u32,
    /// Runs at the same time; 0 for what suits.
    pub workers: u32,
    /// Whether memory that a run gave back is kept for the next one.
    pub memory_arena: bool,
    /// What windows show.
    pub roi: Roi,
    /// Objects that are followed at a time.
    pub max_objects: u32,
    /// Elements with the same one share a model.
    pub engine: Option<String>,
    /// Windows or samples that run together at most.
    pub batch_size: u32,
    /// How long one waits for others to run with, in nanoseconds.
    pub batch_timeout: u64,
    /// Longest gap between frames that keeps the window, in nanoseconds.
    pub gap_tolerance: u64,
    /// How scores become actions.
    pub action: ActionSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            model: None,
            alignment: Alignment::default(),
            policy: Policy::default(),
            eos: EosPolicy::default(),
            hop: 0,
            top_k: 5,
            providers: Some("auto".into()),
            strict: false,
            device: 0,
            threads: 0,
            workers: 0,
            memory_arena: true,
            roi: Roi::default(),
            max_objects: 16,
            engine: None,
            batch_size: 1,
            batch_timeout: 0,
            gap_tolerance: 2_000_000_000,
            action: ActionSettings {
                start_threshold: 0.5,
                stop_threshold: 0.3,
                min_duration: 400_000_000,
                smoothing: 0.3,
            },
        }
    }
}

/// The properties as GObject knows them.
pub static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(|| {
    let defaults = Settings::default();
    vec![
        glib::ParamSpecString::builder("model")
            .nick("Model")
            .blurb(
                "Folder with a model.toml, or that file: which graphs to run and what they take and give. Set while \
                 playing, the new model takes over at the end of a window, or is refused with a warning",
            )
            .mutable_playing()
            .build(),
        glib::ParamSpecEnum::builder_with_default("alignment", defaults.alignment)
            .nick("Alignment")
            .blurb(
                "Whether frames wait for the window they lie in the middle of (delay), or pass at once with the \
                 newest result (hold)",
            )
            .mutable_ready()
            .build(),
        glib::ParamSpecEnum::builder_with_default("policy", defaults.policy)
            .nick("Policy")
            .blurb("What happens when windows come faster than the model runs")
            .mutable_ready()
            .build(),
        glib::ParamSpecEnum::builder_with_default("eos", defaults.eos)
            .nick("End of stream")
            .blurb("What becomes of the samples at the end of the stream that fill no whole window")
            .mutable_playing()
            .build(),
        glib::ParamSpecUInt::builder("hop")
            .nick("Hop")
            .blurb("Samples from the start of a window to the start of the next; 0 = as the model says")
            .default_value(defaults.hop)
            .mutable_ready()
            .build(),
        glib::ParamSpecUInt::builder("top-k")
            .nick("Top k")
            .blurb("How many of the best classes the metadata lists")
            .minimum(1)
            .maximum(1000)
            .default_value(defaults.top_k)
            .mutable_playing()
            .build(),
        glib::ParamSpecString::builder("providers")
            .nick("Execution providers")
            .blurb(&format!(
                "What computes the model: names with commas between them, the first that proves to run it is taken; auto \
                 = all that ONNX Runtime was built with, best first. Known are {}; openvino takes a device, as in \
                 openvino:GPU",
                names(PROVIDERS.iter().map(|row| row.provider))
            ))
            .default_value(defaults.providers.as_deref())
            .mutable_ready()
            .build(),
        glib::ParamSpecBoolean::builder("strict")
            .nick("Strict")
            .blurb(
                "Whether it is an error when the first of the providers does not run the model; otherwise the next one is \
                 taken, with a warning",
            )
            .default_value(defaults.strict)
            .mutable_ready()
            .build(),
        glib::ParamSpecString::builder("active-provider")
            .nick("Active provider")
            .blurb("The execution provider that ran the model in its warm-up and runs it now; notified when it changes")
            .read_only()
            .build(),
        glib::ParamSpecUInt::builder("device")
            .nick("Device")
            .blurb("Number of the GPU, for tensorrt, cuda, migraphx, rocm and directml")
            .maximum(MOST_DEVICES)
            .default_value(defaults.device)
            .mutable_ready()
            .build(),
        glib::ParamSpecUInt::builder("threads")
            .nick("Threads")
            .blurb("Threads that the model may use on the CPU, for all its workers; 0 = as many as there are cores")
            .maximum(1024)
            .default_value(defaults.threads)
            .mutable_ready()
            .build(),
        glib::ParamSpecUInt::builder("workers")
            .nick("Workers")
            .blurb(
                "How many runs of the model go on at a time, each with a copy of it and its part of the threads, one at least; \
                 1 = the soonest result of a single window; 0 = on the CPU one for each thread, up to 4, while graphs and \
                 weights of all copies are no more than 256 MB, elsewhere 1",
            )
            .maximum(64)
            .default_value(defaults.workers)
            .mutable_ready()
            .build(),
        glib::ParamSpecBoolean::builder("memory-arena")
            .nick("Memory arena")
            .blurb(
                "Whether CPU memory that a run gave back is kept for the next one: faster, and more memory between runs",
            )
            .default_value(defaults.memory_arena)
            .mutable_ready()
            .build(),
        glib::ParamSpecEnum::builder_with_default("roi", defaults.roi)
            .nick("Region of interest")
            .blurb("Whether windows show the whole picture, or each object that upstream marks on the frames")
            .mutable_ready()
            .build(),
        glib::ParamSpecUInt::builder("max-objects")
            .nick("Most objects")
            .blurb(
                "How many objects have windows at a time with roi=meta: for a new one the one unseen for longest makes room, \
                 one in the picture never does",
            )
            .minimum(1)
            .maximum(1024)
            .default_value(defaults.max_objects)
            .mutable_ready()
            .build(),
        glib::ParamSpecString::builder("engine")
            .nick("Engine")
            .blurb(
                "Elements of a process with the same model, settings of its run and engine name share one \
                 model and its workers; give another name to keep a stream apart",
            )
            .mutable_ready()
            .build(),
        glib::ParamSpecUInt::builder("batch-size")
            .nick("Batch size")
            .blurb(
                "How many samples or windows, of all streams that share the engine, run together at most: raises what a \
                 GPU gets done, while scores may differ in their last digits from run to run",
            )
            .minimum(1)
            .maximum(64)
            .default_value(defaults.batch_size)
            .mutable_ready()
            .build(),
        glib::ParamSpecUInt64::builder("batch-timeout")
            .nick("Batch timeout")
            .blurb("How long a sample or window waits for others to fill the batch, in nanoseconds")
            .default_value(defaults.batch_timeout)
            .mutable_ready()
            .build(),
        glib::ParamSpecUInt64::builder("gap-tolerance")
            .nick("Gap tolerance")
            .blurb("Longest time without a frame that keeps the window under way, in nanoseconds")
            .default_value(defaults.gap_tolerance)
            .mutable_playing()
            .build(),
        glib::ParamSpecFloat::builder("start-threshold")
            .nick("Start threshold")
            .blurb("An action starts when the smoothed activity reaches this")
            .minimum(0.0)
            .maximum(1.0)
            .default_value(defaults.action.start_threshold)
            .mutable_playing()
            .build(),
        glib::ParamSpecFloat::builder("stop-threshold")
            .nick("Stop threshold")
            .blurb("An action stops when the smoothed activity falls below this or the start threshold")
            .minimum(0.0)
            .maximum(1.0)
            .default_value(defaults.action.stop_threshold)
            .mutable_playing()
            .build(),
        glib::ParamSpecUInt64::builder("min-duration")
            .nick("Minimum duration")
            .blurb("Shorter stretches of activity are no action, in nanoseconds")
            .default_value(defaults.action.min_duration)
            .mutable_playing()
            .build(),
        glib::ParamSpecFloat::builder("smoothing")
            .nick("Smoothing")
            .blurb("Weight of the windows before in the activity: 0 = each window by itself")
            .minimum(0.0)
            .maximum(0.99)
            .default_value(defaults.action.smoothing)
            .mutable_playing()
            .build(),
        glib::ParamSpecBoxed::builder::<gst::Structure>("stats")
            .nick("Statistics")
            .blurb(
                "Since the element started. Counts: frames, unclassified, samples, repeated, resets, objects, evicted, refused, \
                 windows, results, dropped, flushed, waiting, late. Times in nanoseconds, each with -p50, -p90, -p99: preprocess, \
                 inference, result. What runs: model, provider, nodes, runtime",
            )
            .read_only()
            .build(),
    ]
});

impl Settings {
    /// Sets the property of the given name. GObject has checked the name, the type and the range.
    pub fn set(&mut self, name: &str, value: &glib::Value) {
        match name {
            "model" => take(value, &mut self.model),
            "alignment" => take(value, &mut self.alignment),
            "policy" => take(value, &mut self.policy),
            "eos" => take(value, &mut self.eos),
            "hop" => take(value, &mut self.hop),
            "top-k" => take(value, &mut self.top_k),
            "providers" => take(value, &mut self.providers),
            "strict" => take(value, &mut self.strict),
            "device" => take(value, &mut self.device),
            "threads" => take(value, &mut self.threads),
            "workers" => take(value, &mut self.workers),
            "memory-arena" => take(value, &mut self.memory_arena),
            "roi" => take(value, &mut self.roi),
            "max-objects" => take(value, &mut self.max_objects),
            "engine" => take(value, &mut self.engine),
            "batch-size" => take(value, &mut self.batch_size),
            "batch-timeout" => take(value, &mut self.batch_timeout),
            "gap-tolerance" => take(value, &mut self.gap_tolerance),
            "start-threshold" => take(value, &mut self.action.start_threshold),
            "stop-threshold" => take(value, &mut self.action.stop_threshold),
            "min-duration" => take(value, &mut self.action.min_duration),
            "smoothing" => take(value, &mut self.action.smoothing),
            _ => {}
        }
    }

    /// The value of the property of the given name, if it is a setting.
    pub fn get(&self, name: &str) -> Option<glib::Value> {
        Some(match name {
            "model" => self.model.to_value(),
            "alignment" => self.alignment.to_value(),
            "policy" => self.policy.to_value(),
            "eos" => self.eos.to_value(),
            "hop" => self.hop.to_value(),
            "top-k" => self.top_k.to_value(),
            "providers" => self.providers.to_value(),
            "strict" => self.strict.to_value(),
            "device" => self.device.to_value(),
            "threads" => self.threads.to_value(),
            "workers" => self.workers.to_value(),
            "memory-arena" => self.memory_arena.to_value(),
            "roi" => self.roi.to_value(),
            "max-objects" => self.max_objects.to_value(),
            "engine" => self.engine.to_value(),
            "batch-size" => self.batch_size.to_value(),
            "batch-timeout" => self.batch_timeout.to_value(),
            "gap-tolerance" => self.gap_tolerance.to_value(),
            "start-threshold" => self.action.start_threshold.to_value(),
            "stop-threshold" => self.action.stop_threshold.to_value(),
            "min-duration" => self.action.min_duration.to_value(),
            "smoothing" => self.action.smoothing.to_value(),
            _ => return None,
        })
    }
}

/// Takes over a value that has the type of the setting.
pub(crate) fn take<'a, T: glib::value::FromValue<'a>>(value: &'a glib::Value, setting: &mut T) {
    if let Ok(value) = value.get() {
        *setting = value;
    }
}
