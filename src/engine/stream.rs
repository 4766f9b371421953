//! A stream's access to the model that it shares.

use std::{sync::Arc, time::Duration};

use super::{Engine, Outcome, Sample, Waiting};

/// One stream of samples and windows among those that share an engine. What it does never disturbs the others.
///
/// Samples are encoded as they come, windows are classified in the order of the calls. With [`Waiting::All`] the caller
/// bounds what is waiting: it submits no more than it is ready to hold.
pub struct Stream {
    engine: Arc<Engine>,
    key: u64,
}

impl Stream {
    /// Joins an engine. `deliver` is called on its threads for each window, one at a time and in order, and once with the
    /// error of a sample that could not be encoded, under the number of the window that would have been next. A sample or
    /// window waits up to `patience` for those of other streams to run with.
    ///
    /// `deliver` must not end a stream of this engine but its own: another worker may be doing the same the other way round.
    pub fn join(
        engine: Arc<Engine>,
        patience: Duration,
        deliver: impl Fn(Outcome) + Send + Sync + 'static,
    ) -> Self {
        let key = engine.shared.add(patience, Arc::new(deliver));
        Self { engine, key }
    }

    /// Drops everything that waits and ends the runs under way, unless others are in them. What comes next belongs to
    /// `generation`, which the outcomes carry.
    pub fn begin(&self, generation: u64) {
        self.engine.shared.begin(self.key, generation);
    }

    /// Adds the next sample of the grid.
    pub fn sample(&self, sample: Sample) {
        self.engine.shared.change(self.key, |queue| queue.sample(sample));
    }

    /// Classifies the last `samples` samples. Where that is fewer than a window takes, the last one is repeated.
    /// Says which waiting window it takes the place of.
    pub fn window(&self, number: u64, samples: usize, waiting: Waiting) -> Option<u64> {
        self.engine.shared.change(self.key, |queue| queue.window(number, samples, waiting))
    }

    /// Forgets the samples so far: the next one is the first of a new grid.
    pub fn new_grid(&self) {
        self.engine.shared.change(self.key, super::queue::Queue::new_grid);
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.engine.shared.remove(self.key);
    }
}
