//! What the workers of an engine and its streams see of one another.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::ThreadId,
    time::{Duration, Instant},
};

use super::{
    Encoding, Outcome,
    encoder::Output,
    outbox::Made,
    queue::{Queue, Slot},
    schedule::{Charge, Deliver, Schedule, Task, Turn},
};
use crate::{error::Error, runtime::Canceller};

/// The streams, and what each worker does.
pub(super) struct Shared {
    /// What ends the runs of each worker.
    cancellers: Vec<Vec<Canceller>>,
    state: Mutex<State>,
    changed: Condvar,
    frames: usize,
    encoding: Encoding,
}

pub(super) struct State {
    pub(super) schedule: Schedule,
    workers: Vec<Activity>,
    closed: bool,
}

/// What a worker does.
#[derive(Default)]
struct Activity {
    thread: Option<ThreadId>,
    /// The streams whose units are in its run.
    running: Vec<u64>,
    /// The stream that it delivers an outcome to.
    delivering: Option<u64>,
}

impl Activity {
    fn is_busy_with(&self, stream: u64) -> bool {
        self.running.contains(&stream) || self.delivering == Some(stream)
    }
}

/// A unit that was run.
pub(super) struct Done {
    pub(super) stream: u64,
    pub(super) generation: u64,
    pub(super) came_to: CameTo,
}

/// What became of a unit.
pub(super) enum CameTo {
    Sample { slot: Arc<Slot>, made: Result<Output, Error> },
    Window { number: u64, made: Made },
}

impl Shared {
    /// For workers that are ended by these, one list each, of a model whose windows have `frames` samples and which takes
    /// batches of these sizes.
    pub(super) fn new(
        cancellers: Vec<Vec<Canceller>>,
        frames: usize,
        encoding: Encoding,
        sizes: Vec<usize>,
    ) -> Self {
        let workers = cancellers.iter().map(|_| Activity::default()).collect();
        let state = Mutex::new(State { schedule: Schedule::new(sizes), workers, closed: false });
        Self { cancellers, state, changed: Condvar::new(), frames, encoding }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends all workers.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.cancellers.iter().flatten().for_each(Canceller::cancel);
        self.wake();
    }

    /// Adds a stream, and gives its key.
    pub(super) fn add(&self, patience: Duration, deliver: Deliver) -> u64 {
        let queue = Queue::new(self.frames, self.encoding);
        self.lock().schedule.add(queue, patience, deliver)
    }

    /// Removes a stream, and waits until nothing of it runs and nothing is delivered to it any more, but by the thread that
    /// asks for it.
    pub(super) fn remove(&self, stream: u64) {
        let mut state = self.lock();
        let removed = state.schedule.remove(stream);
        self.cancel_own(&state, stream);
        // Others may have waited for it to run with them.
        self.wake();
        let own = std::thread::current().id();
        while state.workers.iter().any(|worker| worker.is_busy_with(stream) && worker.thread != Some(own)) {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        // What it delivers to may end with it.
        drop(removed);
    }

    /// Drops what waits of a stream and ends the runs that are for it alone. What comes next belongs to `generation`.
    pub(super) fn begin(&self, stream: u64, generation: u64) {
        let mut state = self.lock();
        if let Some(client) = state.schedule.client(stream) {
            client.queue.begin(generation);
            client.outbox.clear();
            client.ran = Duration::ZERO;
        }
        self.cancel_own(&state, stream);
        drop(state);
        self.wake();
    }

    /// Ends the runs under way that are for this stream alone.
    fn cancel_own(&self, state: &State, stream: u64) {
        for (worker, cancellers) in state.workers.iter().zip(&self.cancellers) {
            if !worker.running.is_empty() && worker.running.iter().all(|&other| other == stream) {
                cancellers.iter().for_each(Canceller::cancel);
            }
        }
    }

    /// Wakes the workers, and those who wait for them.
    fn wake(&self) {
        self.changed.notify_all();
    }

    /// Changes what waits of a stream, and wakes the workers.
    pub(super) fn change<T: Default>(&self, stream: u64, change: impl FnOnce(&mut Queue) -> T) -> T {
        let mut state = self.lock();
        let changed = state.schedule.client(stream).map(|client| change(&mut client.queue));
        drop(state);
        self.wake();
        changed.unwrap_or_default()
    }

    /// Waits for the next run of a worker; `None` once the engine is closed.
    pub(super) fn next(&self, worker: usize) -> Option<Vec<Task>> {
        let mut state = self.lock();
        state.workers[worker].thread = Some(std::thread::current().id());
        let mut since = None;
        loop {
            if state.closed {
                return None;
            }
            let waited = since.map_or(Duration::ZERO, |since: Instant| since.elapsed());
            let free = state.workers.iter().filter(|worker| worker.running.is_empty()).count();
            match state.schedule.turn(waited, free) {
                Turn::Run(tasks) => {
                    self.cancellers[worker].iter().for_each(Canceller::clear);
                    state.workers[worker].running = tasks.iter().map(|task| task.stream).collect();
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

    /// A run of a worker is done. Gives the streams that were in it.
    pub(super) fn done(
        &self,
        worker: usize,
        results: Vec<Done>,
        charges: &[Charge],
        ran: Duration,
    ) -> Vec<u64> {
        let mut state = self.lock();
        state.schedule.count(charges, ran);
        for Done { stream, generation, came_to } in results {
            // A stream that is gone wants nothing.
            let Some(client) = state.schedule.client(stream) else { continue };
            let wanted = client.queue.generation() == generation;
            match came_to {
                CameTo::Sample { slot, made } => {
                    let (made, fault) = match made {
                        Ok(made) => (Some(made), None),
                        Err(fault) => (None, Some(fault)),
                    };
                    client.queue.encoded(generation, &slot, made);
                    if let Some(fault) = fault.filter(|_| wanted) {
                        client.outbox.fault(fault);
                    }
                }
                CameTo::Window { number, made } if wanted => client.outbox.fill(number, made),
                CameTo::Window { .. } => {}
            }
        }
        let streams = std::mem::take(&mut state.workers[worker].running);
        drop(state);
        self.wake();
        streams
    }

    /// Takes the next outcome of one of the streams for a worker to deliver, and then to say so by
    /// [`delivered`](Self::delivered). What another worker delivers to is left to that one, which looks again afterwards.
    pub(super) fn outcome(&self, worker: usize, streams: &[u64]) -> Option<(Deliver, Outcome)> {
        let mut state = self.lock();
        for &stream in streams {
            let Some(client) = state.schedule.client(stream) else { continue };
            let Some((window, result)) = client.outbox.take() else { continue };
            let ran = std::mem::take(&mut client.ran);
            let outcome = Outcome { generation: client.queue.generation(), window, ran, result };
            let deliver = Arc::clone(&client.deliver);
            state.workers[worker].delivering = Some(stream);
            return Some((deliver, outcome));
        }
        None
    }

    /// A worker has delivered what it took.
    pub(super) fn delivered(&self, worker: usize) {
        let mut state = self.lock();
        if let Some(stream) = state.workers[worker].delivering.take()
            && let Some(client) = state.schedule.client(stream)
        {
            client.outbox.delivered();
        }
        drop(state);
        // Somebody may wait for the stream to be left alone.
        self.wake();
    }
}
