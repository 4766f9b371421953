//! The thread that a model runs on: takes windows in order, gives results in order.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use super::{
    Encoded, Model,
    inbox::{Inbox, Job, Sample, Slot, SlotState, Waiting},
};
use crate::{error::Error, model::WindowOutput};

/// The result of one window.
#[derive(Debug)]
pub struct Outcome {
    /// The run of the stream that it belongs to, see [`Engine::begin`].
    pub generation: u64,
    /// The number that the window was submitted under.
    pub window: u64,
    /// How long the model ran since the result before.
    pub ran: Duration,
    /// What the model said.
    pub result: Result<WindowOutput, Error>,
}

/// A model on a thread of its own.
///
/// Samples are encoded as they come, windows are classified in the order of the calls. With [`Waiting::All`] the caller
/// bounds what is waiting: it submits no more than it is ready to hold.
pub struct Engine {
    inbox: Arc<Inbox>,
    thread: Option<JoinHandle<()>>,
}

impl Engine {
    /// Starts the thread. `deliver` is called there for each window, in order, and once with the error of a
    /// sample that could not be encoded, under the number of the window that would have been next.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(model: Model, deliver: impl Fn(Outcome) + Send + 'static) -> Result<Self, Error> {
        let inbox = Arc::new(Inbox::new(model.frames(), model.cancellers()));
        let worker =
            Worker { model, inbox: Arc::clone(&inbox), next_window: 0, ran: Duration::ZERO, generation: 0 };
        let thread = std::thread::Builder::new()
            .name("artclassify".into())
            .spawn(move || worker.work(&deliver))
            .map_err(Error::Thread)?;
        Ok(Self { inbox, thread: Some(thread) })
    }

    /// Drops everything that waits and ends the run under way. What comes next belongs to `generation`, which the
    /// outcomes carry.
    pub fn begin(&self, generation: u64) {
        self.inbox.begin(generation);
    }

    /// Adds the next sample of the grid.
    pub fn sample(&self, sample: Sample) {
        self.inbox.sample(sample);
    }

    /// Classifies the last `samples` samples. Where that is fewer than a window takes, the last one is repeated.
    /// Says which waiting window it takes the place of.
    pub fn window(&self, number: u64, samples: usize, waiting: Waiting) -> Option<u64> {
        self.inbox.window(number, samples, waiting)
    }

    /// Forgets the samples so far: the next one is the first of a new grid.
    pub fn new_grid(&self) {
        self.inbox.new_grid();
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.inbox.close();
        self.inbox.begin(u64::MAX);
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported by it.
            let _ = thread.join();
        }
    }
}

struct Worker {
    model: Model,
    inbox: Arc<Inbox>,
    next_window: u64,
    /// How long the model ran since the last result.
    ran: Duration,
    generation: u64,
}

impl Worker {
    fn work(mut self, deliver: &(impl Fn(Outcome) + Send)) {
        while let Some((generation, job)) = self.inbox.next() {
            if generation != self.generation {
                self.generation = generation;
                self.ran = Duration::ZERO;
            }
            let started = Instant::now();
            let outcome = match job {
                Job::Encode(slot) => {
                    let encoded = self.guarded(|worker| worker.encoded(&slot));
                    encoded.err().map(|fault| (self.next_window, Err(fault)))
                }
                Job::Window { number, samples } => {
                    self.next_window = number + 1;
                    Some((number, self.guarded(|worker| worker.classify(&samples))))
                }
            };
            self.ran += started.elapsed();
            let wanted = self.inbox.done(generation);
            if let Some((window, result)) = outcome.filter(|_| wanted) {
                deliver(Outcome { generation, window, ran: std::mem::take(&mut self.ran), result });
            }
        }
    }

    /// Makes an error of a panic, so that nobody waits for ever for a thread that is gone.
    fn guarded<T>(&mut self, run: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        catch_unwind(AssertUnwindSafe(|| run(self))).unwrap_or(Err(Error::Panicked))
    }

    /// What the encoder makes of a sample, now or at an earlier window.
    fn encoded(&mut self, slot: &Slot) -> Result<Encoded, Error> {
        let mut state = slot.lock();
        let encoded = match std::mem::replace(&mut *state, SlotState::Failed) {
            SlotState::Frame(frame) => self.model.encode(frame)?,
            SlotState::Encoded(encoded) => encoded,
            // Its error was delivered when it failed.
            SlotState::Failed => return Err(Error::Cancelled),
        };
        *state = SlotState::Encoded(Arc::clone(&encoded));
        Ok(encoded)
    }

    fn classify(&mut self, samples: &[Arc<Slot>]) -> Result<WindowOutput, Error> {
        let mut encoded = samples.iter().map(|slot| self.encoded(slot)).collect::<Result<Vec<_>, _>>()?;
        if let Some(last) = encoded.last().cloned() {
            encoded.resize(self.model.frames(), last);
        }
        self.model.classify(&encoded)
    }
}
