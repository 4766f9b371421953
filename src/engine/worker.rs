//! The thread that a model runs on, for all the streams that share it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{JoinHandle, ThreadId},
    time::{Duration, Instant},
};

use super::{
    Encoded, Model, Proof,
    encoder::{Input, Output},
    queue::{Queue, Slot, Unit},
    schedule::{Deliver, Schedule, Task, Turn},
};
use crate::{
    error::Error,
    model::{SampleWriter, WindowOutput},
    runtime::{Canceller, Choice},
};

/// The result of one window.
#[derive(Debug)]
pub struct Outcome {
    /// The run of the stream that it belongs to, see [`Stream::begin`](super::Stream::begin).
    pub generation: u64,
    /// The number that the window was submitted under.
    pub window: u64,
    /// How long the model ran for the stream since the result before: its share of the runs.
    pub ran: Duration,
    /// What the model said.
    pub result: Result<WindowOutput, Error>,
}

/// A model on a thread of its own, for any number of streams.
pub struct Engine {
    pub(super) shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    writer: SampleWriter,
    run_time: Duration,
    choice: Choice,
    nodes: String,
}

impl Engine {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(proof: Proof) -> Result<Self, Error> {
        let Proof { model, choice, nodes } = proof;
        let (writer, run_time) = (model.writer().clone(), model.run_time());
        let shared = Arc::new(Shared {
            cancellers: model.cancellers(),
            state: Mutex::new(State::new(&model)),
            changed: Condvar::new(),
        });
        let worker = Worker { model, shared: Arc::clone(&shared) };
        let thread = std::thread::Builder::new()
            .name("artclassify".into())
            .spawn(move || worker.work())
            .map_err(Error::Thread)?;
        Ok(Self { shared, thread: Some(thread), writer, run_time, choice, nodes })
    }

    /// The execution provider that runs the model.
    #[must_use]
    pub fn choice(&self) -> &Choice {
        &self.choice
    }

    /// Number of nodes on each provider, in words.
    #[must_use]
    pub fn nodes(&self) -> &str {
        &self.nodes
    }

    /// How long one sample and one window took after the warm-up.
    #[must_use]
    pub fn run_time(&self) -> Duration {
        self.run_time
    }

    /// What turns pictures into the model's samples.
    #[must_use]
    pub fn writer(&self) -> &SampleWriter {
        &self.writer
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.cancellers.iter().for_each(Canceller::cancel);
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
        {
            // A panic of the thread was reported by it.
            let _ = thread.join();
        }
    }
}

/// What the worker and the streams see of one another.
pub(super) struct Shared {
    cancellers: Vec<Canceller>,
    state: Mutex<State>,
    changed: Condvar,
}

pub(super) struct State {
    pub(super) schedule: Schedule,
    queue: Box<dyn Fn() -> Queue + Send>,
    /// The streams whose units are in the run under way.
    running: Vec<u64>,
    /// The streams that an outcome is being delivered to, and the thread that does it.
    delivering: Vec<u64>,
    worker: Option<ThreadId>,
    closed: bool,
}

impl State {
    fn new(model: &Model) -> Self {
        let (frames, encoding) = (model.frames(), model.encoding());
        Self {
            schedule: Schedule::new(model.sizes().to_vec()),
            queue: Box::new(move || Queue::new(frames, encoding)),
            running: Vec::new(),
            delivering: Vec::new(),
            worker: None,
            closed: false,
        }
    }

    fn is_busy_with(&self, stream: u64) -> bool {
        self.running.contains(&stream) || self.delivering.contains(&stream)
    }
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a stream, and gives its key.
    pub(super) fn add(&self, patience: Duration, deliver: Deliver) -> u64 {
        let mut state = self.lock();
        let queue = (state.queue)();
        state.schedule.add(queue, patience, deliver)
    }

    /// Removes a stream, and waits until nothing is delivered to it any more.
    pub(super) fn remove(&self, stream: u64) {
        let mut state = self.lock();
        let removed = state.schedule.remove(stream);
        self.cancel_own(&state, stream);
        // Others may have waited for it to run with them.
        self.wake();
        while state.is_busy_with(stream) && state.worker != Some(std::thread::current().id()) {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        // What it delivers to may end with it.
        drop(removed);
    }

    /// Ends the run under way, where it is for this stream alone.
    pub(super) fn cancel_own(&self, state: &State, stream: u64) {
        if !state.running.is_empty() && state.running.iter().all(|&other| other == stream) {
            self.cancellers.iter().for_each(Canceller::cancel);
        }
    }

    /// Wakes the worker, and those who wait for it.
    pub(super) fn wake(&self) {
        self.changed.notify_all();
    }

    /// Changes what waits of a stream, and wakes the worker.
    pub(super) fn change<T: Default>(&self, stream: u64, change: impl FnOnce(&mut Queue) -> T) -> T {
        let mut state = self.lock();
        let changed = state.schedule.client(stream).map(|client| change(&mut client.queue));
        drop(state);
        self.changed.notify_all();
        changed.unwrap_or_default()
    }

    /// Waits for the next run; `None` once the engine is closed.
    fn next(&self) -> Option<Vec<Task>> {
        let mut state = self.lock();
        state.worker = Some(std::thread::current().id());
        state.delivering.clear();
        self.changed.notify_all();
        let mut since = None;
        loop {
            if state.closed {
                return None;
            }
            let waited = since.map_or(Duration::ZERO, |since: Instant| since.elapsed());
            match state.schedule.turn(waited) {
                Turn::Run(tasks) => {
                    self.cancellers.iter().for_each(Canceller::clear);
                    state.running = tasks.iter().map(|task| task.stream).collect();
                    return Some(tasks);
                }
                Turn::Wait(left) => {
                    since = since.or_else(|| Some(Instant::now()));
                    state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
                }
                Turn::Idle => {
                    since = None;
                    state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }

    /// A run is done. Gives what is to be delivered of it.
    fn done(&self, results: Vec<Done>, ran: Duration) -> Vec<(Deliver, Outcome)> {
        let mut state = self.lock();
        let running = std::mem::take(&mut state.running);
        state.schedule.count(&running, ran);
        let mut outcomes = Vec::new();
        for Done { stream, generation, result } in results {
            // A stream that is gone wants nothing.
            let Some(client) = state.schedule.client(stream) else { continue };
            let wanted = client.queue.generation() == generation;
            let (window, result) = match result {
                Made::Sample { slot, made } => {
                    let (made, fault) = match made {
                        Ok(made) => (Some(made), None),
                        Err(fault) => (None, Some(fault)),
                    };
                    client.queue.encoded(generation, &slot, made);
                    let Some(fault) = fault else { continue };
                    (client.next_window, Err(fault))
                }
                Made::Window { number, output } => {
                    client.next_window = number + 1;
                    (number, output)
                }
            };
            let ran = std::mem::take(&mut client.ran);
            if wanted {
                outcomes.push((Arc::clone(&client.deliver), Outcome { generation, window, ran, result }));
                state.delivering.push(stream);
            }
        }
        drop(state);
        self.changed.notify_all();
        outcomes
    }
}

/// A unit that was run.
struct Done {
    stream: u64,
    generation: u64,
    result: Made,
}

/// What became of a unit.
enum Made {
    Sample { slot: Arc<Slot>, made: Result<Output, Error> },
    Window { number: u64, output: Result<WindowOutput, Error> },
}

struct Worker {
    model: Model,
    shared: Arc<Shared>,
}

impl Worker {
    fn work(mut self) {
        while let Some(tasks) = self.shared.next() {
            let started = Instant::now();
            let done = self.run(tasks);
            for (deliver, outcome) in self.shared.done(done, started.elapsed()) {
                // A panic was reported; the other streams go on.
                let _ = catch_unwind(AssertUnwindSafe(|| deliver(outcome)));
            }
        }
    }

    /// Runs units of one kind together.
    fn run(&mut self, tasks: Vec<Task>) -> Vec<Done> {
        let (mut slots, mut inputs): (Vec<_>, Vec<Input>) = (Vec::new(), Vec::new());
        let (mut numbers, mut windows): (Vec<_>, Vec<Vec<Encoded>>) = (Vec::new(), Vec::new());
        let mut done = Vec::new();
        for Task { stream, generation, unit } in tasks {
            match unit {
                Unit::Encode { slot, frame, state } => {
                    slots.push((stream, generation, slot));
                    inputs.push((frame, state));
                }
                Unit::Classify { number, samples: Some(samples) } => {
                    numbers.push((stream, generation, number));
                    windows.push(samples);
                }
                Unit::Classify { number, samples: None } => {
                    // The error was delivered when the sample failed.
                    let result = Made::Window { number, output: Err(Error::Cancelled) };
                    done.push(Done { stream, generation, result });
                }
            }
        }
        let made = self.each(&inputs, |model, inputs| model.encode(inputs));
        done.extend(slots.into_iter().zip(made).map(|((stream, generation, slot), made)| Done {
            stream,
            generation,
            result: Made::Sample { slot, made },
        }));
        let outputs =
            self.each(&windows, |model, windows| model.classify(&windows.iter().collect::<Vec<_>>()));
        done.extend(numbers.into_iter().zip(outputs).map(|((stream, generation, number), output)| Done {
            stream,
            generation,
            result: Made::Window { number, output },
        }));
        done
    }

    /// Runs the model over all items at once. Where that fails, over each by itself, so that a fault stays with the stream
    /// that it comes from. Makes an error of a panic, so that nobody waits for ever for a thread that is gone.
    fn each<T, R>(
        &mut self,
        items: &[T],
        run: impl Fn(&mut Model, &[T]) -> Result<Vec<R>, Error>,
    ) -> Vec<Result<R, Error>> {
        if items.is_empty() {
            return Vec::new();
        }
        let mut guarded = |items: &[T]| {
            catch_unwind(AssertUnwindSafe(|| run(&mut self.model, items))).unwrap_or(Err(Error::Panicked))
        };
        match guarded(items) {
            Ok(made) if made.len() == items.len() => made.into_iter().map(Ok).collect(),
            Err(fault) if items.len() == 1 => vec![Err(fault)],
            _ => items
                .iter()
                .map(|item| {
                    let made = guarded(std::slice::from_ref(item))?;
                    made.into_iter().next().ok_or(Error::Cancelled)
                })
                .collect(),
        }
    }
}
