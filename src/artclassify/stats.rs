//! What the element counts and measures: the property `stats`.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hdrhistogram::Histogram;

use super::{line::Tally, objects::ObjectCounts};

/// The longest time that is told apart from longer ones, in microseconds.
const LONGEST: u64 = 600_000_000;

/// What the streaming thread counted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Frames that came in.
    pub frames: u64,
    /// Frames that pass without being looked at: no time stamp, outside of the segment, played backwards.
    pub unclassified: u64,
    /// Samples taken.
    pub samples: u64,
    /// Samples that repeat the frame of the sample before.
    pub repeated: u64,
    /// Grids that were started anew.
    pub resets: u64,
    /// What was counted of objects.
    pub objects: ObjectCounts,
}

/// What runs the model.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Running {
    /// Name of the model, from its manifest.
    pub model: String,
    /// The execution provider.
    pub provider: String,
    /// Number of nodes on each provider, in words.
    pub nodes: String,
    /// Version of ONNX Runtime.
    pub runtime: String,
    /// Runs of the model that can go on at a time.
    pub workers: u64,
}

/// Times of one kind, since the element started.
struct Times(Option<Histogram<u64>>);

impl Default for Times {
    fn default() -> Self {
        // Two digits; the bounds are constants that the library takes.
        Self(Histogram::new_with_bounds(1, LONGEST, 2).ok())
    }
}

impl Times {
    fn push(&mut self, time: Duration) {
        if let Some(histogram) = &mut self.0 {
            histogram.saturating_record(u64::try_from(time.as_micros()).unwrap_or(LONGEST));
        }
    }

    /// A quantile in nanoseconds; 0 before the first time.
    fn quantile(&self, quantile: f64) -> u64 {
        let histogram = self.0.as_ref().filter(|histogram| !histogram.is_empty());
        histogram.map_or(0, |histogram| histogram.value_at_quantile(quantile) * 1000)
    }
}

#[derive(Default)]
struct State {
    counts: Counts,
    running: Running,
    preprocess: Times,
    inference: Times,
    result: Times,
}

/// The numbers, shared by all threads of the element.
#[derive(Default)]
pub struct Stats(Mutex<State>);

impl Stats {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts at nought.
    pub fn clear(&self) {
        *self.lock() = State::default();
    }

    /// Says what runs from now on.
    pub fn set_running(&self, running: Running) {
        self.lock().running = running;
    }

    /// Takes what the streaming thread counted.
    pub fn set_counts(&self, counts: Counts) {
        self.lock().counts = counts;
    }

    /// A frame became a sample.
    pub fn preprocessed(&self, took: Duration) {
        self.lock().preprocess.push(took);
    }

    /// A window has its result: how long the model ran for it, and how long it waited since its last sample came.
    pub fn classified(&self, ran: Duration, waited: Duration) {
        let mut state = self.lock();
        state.inference.push(ran);
        state.result.push(waited);
    }

    /// The value of the property `stats`.
    pub fn to_structure(&self, tally: Tally) -> gst::Structure {
        let state = self.lock();
        let counts = &state.counts;
        let mut structure = gst::Structure::builder("artclassify-stats")
            .field("model", &state.running.model)
            .field("provider", &state.running.provider)
            .field("nodes", &state.running.nodes)
            .field("runtime", &state.running.runtime)
            .field("workers", state.running.workers)
            .field("frames", counts.frames)
            .field("unclassified", counts.unclassified)
            .field("samples", counts.samples)
            .field("repeated", counts.repeated)
            .field("resets", counts.resets)
            .field("objects", counts.objects.objects)
            .field("evicted", counts.objects.evicted)
            .field("refused", counts.objects.refused)
            .field("windows", tally.windows)
            .field("results", tally.results)
            .field("dropped", tally.dropped)
            .field("flushed", tally.flushed)
            .field("waiting", tally.waiting)
            .field("late", tally.late)
            .build();
        let times =
            [("preprocess", &state.preprocess), ("inference", &state.inference), ("result", &state.result)];
        for (name, times) in times {
            for percent in [50, 90, 99] {
                structure.set(format!("{name}-p{percent}"), times.quantile(f64::from(percent) / 100.0));
            }
        }
        structure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_known_times() {
        let mut times = Times::default();
        assert_eq!(times.quantile(0.5), 0);
        (1..=100).for_each(|ms| times.push(Duration::from_millis(ms)));
        for (quantile, expected) in [(0.5, 50.0), (0.9, 90.0), (0.99, 99.0)] {
            let found = times.quantile(quantile) as f64 / 1e6;
            assert!((found - expected).abs() <= expected * 0.01, "{found} against {expected}");
        }
    }

    #[test]
    fn a_time_beyond_all_bounds_is_the_longest() {
        let mut times = Times::default();
        times.push(Duration::MAX);
        assert!(times.quantile(0.5) >= LONGEST * 1000);
    }
}
