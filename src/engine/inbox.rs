//! What of one stream waits for the model: its samples, and the windows over them.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
};

use super::Encoded;
use crate::{model::Tensor, runtime::Canceller};

/// A sample of the stream.
#[derive(Debug)]
pub enum Sample {
    /// A frame in the model's layout.
    Frame(Tensor),
    /// The frame of the sample before, once more.
    Repeat,
}

/// Which windows wait while the model runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// All of them, in order.
    All,
    /// The newest: it takes the place of the one that waited.
    Newest,
}

/// A sample on its way through the encoder. Windows that overlap share it.
#[derive(Debug)]
pub(super) struct Slot(Mutex<SlotState>);

/// How far a sample has come.
#[derive(Debug)]
pub(super) enum SlotState {
    /// As the model takes it.
    Frame(Tensor),
    /// As the head takes it.
    Encoded(Encoded),
    /// The encoder failed.
    Failed,
}

impl Slot {
    pub(super) fn lock(&self) -> MutexGuard<'_, SlotState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The next thing to do for the stream.
#[derive(Debug)]
pub(super) enum Job {
    /// Classify a window: encode those of its samples that are not encoded yet, and run the head.
    Window {
        /// Its number.
        number: u64,
        /// Its samples, fewer than the model takes where the last one is to be repeated.
        samples: Vec<Arc<Slot>>,
    },
    /// Encode a sample that a later window needs.
    Encode(Arc<Slot>),
}

/// The waiting samples and windows of a stream.
///
/// A window comes before the samples after it. A sample that has left the last window over it before it was encoded is
/// never encoded.
pub(super) struct Inbox {
    frames: usize,
    cancellers: Vec<Canceller>,
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    generation: u64,
    closed: bool,
    running: bool,
    /// The last samples of the grid, as many as a window takes.
    recent: VecDeque<Arc<Slot>>,
    /// Those that were not yet taken by the worker, oldest first.
    fresh: VecDeque<Weak<Slot>>,
    windows: VecDeque<(u64, Vec<Arc<Slot>>)>,
}

impl Inbox {
    /// An inbox for windows of `frames` samples; `cancellers` end the runs of the model.
    pub(super) fn new(frames: usize, cancellers: Vec<Canceller>) -> Self {
        Self { frames, cancellers, state: Mutex::default(), arrived: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops everything that waits and ends the run under way. What comes next belongs to `generation`.
    pub(super) fn begin(&self, generation: u64) {
        let mut state = self.lock();
        if state.running {
            self.cancellers.iter().for_each(Canceller::cancel);
        }
        *state = State { generation, closed: state.closed, running: state.running, ..State::default() };
    }

    /// Lets [`next`](Self::next) end, now and for ever.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
    }

    /// Adds the next sample of the grid.
    pub(super) fn sample(&self, sample: Sample) {
        let mut state = self.lock();
        let slot = match (sample, state.recent.back()) {
            (Sample::Frame(frame), _) => {
                let slot = Arc::new(Slot(Mutex::new(SlotState::Frame(frame))));
                state.fresh.push_back(Arc::downgrade(&slot));
                slot
            }
            (Sample::Repeat, Some(last)) => Arc::clone(last),
            (Sample::Repeat, None) => return,
        };
        if state.recent.len() == self.frames {
            state.recent.pop_front();
        }
        state.recent.push_back(slot);
        state.fresh.retain(|slot| slot.strong_count() > 0);
        drop(state);
        self.arrived.notify_all();
    }

    /// Asks for a window over the last `samples` samples. Says which window it replaces.
    pub(super) fn window(&self, number: u64, samples: usize, waiting: Waiting) -> Option<u64> {
        let mut state = self.lock();
        let older = state.recent.len().saturating_sub(samples);
        let slots = state.recent.iter().skip(older).cloned().collect();
        let replaced = match waiting {
            Waiting::Newest => state.windows.pop_back().map(|(replaced, _)| replaced),
            Waiting::All => None,
        };
        state.windows.push_back((number, slots));
        drop(state);
        self.arrived.notify_all();
        replaced
    }

    /// Forgets the samples so far, but for those of windows that wait.
    pub(super) fn new_grid(&self) {
        self.lock().recent.clear();
    }

    /// Waits for the next job; `None` once the inbox is closed. Until [`done`](Self::done) the worker counts as running.
    pub(super) fn next(&self) -> Option<(u64, Job)> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            let job = match state.windows.pop_front() {
                Some((number, samples)) => Some(Job::Window { number, samples }),
                None => state.next_fresh().map(Job::Encode),
            };
            if let Some(job) = job {
                self.cancellers.iter().for_each(Canceller::clear);
                state.running = true;
                return Some((state.generation, job));
            }
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The job of a generation is done. Says whether its result is still wanted.
    pub(super) fn done(&self, generation: u64) -> bool {
        let mut state = self.lock();
        state.running = false;
        state.generation == generation && !state.closed
    }
}

impl State {
    /// The oldest sample that is still needed and not encoded.
    fn next_fresh(&mut self) -> Option<Arc<Slot>> {
        std::iter::from_fn(|| self.fresh.pop_front()).find_map(|slot| slot.upgrade())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ElementType;

    fn inbox(samples: usize) -> Inbox {
        let inbox = Inbox::new(4, Vec::new());
        inbox.begin(7);
        (0..samples).for_each(|_| inbox.sample(Sample::Frame(Tensor::zeros(ElementType::U8, vec![1]))));
        inbox
    }

    fn windows(inbox: &Inbox, count: usize) -> Vec<u64> {
        let jobs = std::iter::repeat_with(|| inbox.next()).take(count);
        jobs.map(|job| match job {
            Some((7, Job::Window { number, .. })) => number,
            other => panic!("found {other:?}"),
        })
        .collect()
    }

    #[test]
    fn all_windows_wait_in_order() {
        let inbox = inbox(4);
        assert!((0..3).all(|number| inbox.window(number, 4, Waiting::All).is_none()));
        assert_eq!(windows(&inbox, 3), [0, 1, 2]);
    }

    #[test]
    fn the_newest_window_takes_the_place_of_the_one_that_waits() {
        let inbox = inbox(4);
        let replaced: Vec<_> = (0..4).map(|number| inbox.window(number, 4, Waiting::Newest)).collect();
        assert_eq!(replaced, [None, Some(0), Some(1), Some(2)]);
        assert_eq!(windows(&inbox, 1), [3]);
    }

    #[test]
    fn windows_come_before_samples_and_share_them() {
        let inbox = inbox(4);
        inbox.window(0, 4, Waiting::All);
        inbox.sample(Sample::Repeat);
        inbox.window(1, 4, Waiting::All);
        let Some((_, Job::Window { samples: first, .. })) = inbox.next() else { panic!("no window") };
        let Some((_, Job::Window { samples: second, .. })) = inbox.next() else { panic!("no window") };
        assert!(Arc::ptr_eq(&first[3], &second[2]) && Arc::ptr_eq(&first[3], &second[3]));
        assert!(matches!(inbox.next(), Some((7, Job::Encode(slot))) if Arc::ptr_eq(&slot, &first[0])));
    }

    #[test]
    fn a_sample_that_no_window_needs_any_more_is_forgotten() {
        let inbox = inbox(4 + 3);
        assert_eq!(inbox.lock().fresh.len(), 4);
        inbox.new_grid();
        inbox.close();
        assert!(inbox.next().is_none());
    }

    #[test]
    fn a_new_generation_drops_what_waits_and_disowns_what_runs() {
        let inbox = inbox(4);
        inbox.window(0, 4, Waiting::All);
        assert_eq!(windows(&inbox, 1), [0]);
        inbox.begin(8);
        assert!(!inbox.done(7));
        inbox.sample(Sample::Repeat);
        assert!(inbox.lock().recent.is_empty(), "nothing to repeat in a new generation");
    }
}
