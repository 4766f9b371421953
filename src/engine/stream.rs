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
    /// Joins an engine. `deliver` is called on its thread for each window, in order, and once with the error of a sample
    /// that could not be encoded, under the number of the window that would have been next. A sample or window waits up to
    /// `patience` for those of other streams to run with.
    pub fn join(
        engine: Arc<Engine>,
        patience: Duration,
        deliver: impl Fn(Outcome) + Send + Sync + 'static,
    ) -> Self {
        let key = engine.shared.add(patience, Arc::new(deliver));
        Self { engine, key }
    }

    /// Drops everything that waits and ends the run under way, unless others are in it. What comes next belongs to
    /// `generation`, which the outcomes carry.
    pub fn begin(&self, generation: u64) {
        let mut state = self.engine.shared.lock();
        if let Some(client) = state.schedule.client(self.key) {
            client.queue.begin(generation);
            client.ran = Duration::ZERO;
        }
        self.engine.shared.cancel_own(&state, self.key);
        drop(state);
        self.engine.shared.wake();
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
