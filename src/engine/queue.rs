//! What of one stream waits for the model: its samples, and the windows over them.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use super::{Encoded, State};
use crate::model::Tensor;

/// A sample of the stream.
#[derive(Debug)]
pub enum Sample {
    /// A frame in the model's layout.
    Frame(Arc<Tensor>),
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

/// How samples become what the last graph takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// They are taken as they are.
    None,
    /// Each by itself.
    Each,
    /// In order: the encoder goes by what it made of those before.
    InOrder,
}

/// A sample on its way through the encoder. Windows that overlap share it.
#[derive(Debug)]
pub(super) struct Slot {
    /// Number of its grid.
    grid: u64,
    progress: Mutex<Progress>,
}

/// How far a sample has come.
#[derive(Debug)]
enum Progress {
    /// It waits for the encoder.
    Waits(Arc<Tensor>),
    /// The encoder runs over it.
    Runs,
    /// It is as the last graph takes it.
    Encoded(Encoded),
    /// The encoder failed.
    Failed,
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waits(&self) -> bool {
        matches!(*self.lock(), Progress::Waits(_))
    }

    fn is_through(&self) -> bool {
        matches!(*self.lock(), Progress::Encoded(_) | Progress::Failed)
    }

    fn encoded(&self) -> Option<Encoded> {
        match &*self.lock() {
            Progress::Encoded(encoded) => Some(encoded.clone()),
            _ => None,
        }
    }
}

/// The smallest piece of work: one sample through the encoder, or one window through the last graph.
#[derive(Debug)]
pub(super) enum Unit {
    /// Encode a sample.
    Encode {
        /// The sample.
        slot: Arc<Slot>,
        /// As the encoder takes it.
        frame: Arc<Tensor>,
        /// What the encoder made of the samples before; `None` where it starts anew or keeps nothing.
        state: Option<State>,
    },
    /// Classify a window.
    Classify {
        /// Its number.
        number: u64,
        /// Its samples, as many as the model takes; `None` where one of them could not be encoded.
        samples: Option<Vec<Encoded>>,
    },
}

/// What kind of work a unit is: units of one kind can run together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Encode,
    Classify,
}

/// The waiting samples and windows of a stream.
///
/// A window comes before the samples after it. A sample that has left the last window over it before it was encoded is
/// never encoded.
#[derive(Debug)]
pub(super) struct Queue {
    frames: usize,
    encoding: Encoding,
    generation: u64,
    grid: u64,
    /// The last samples of the grid, as many as a window takes.
    recent: VecDeque<Arc<Slot>>,
    /// The frame of the last sample, where an encoder in order needs it again for a repeated one.
    last_frame: Option<Arc<Tensor>>,
    /// Samples that wait for the encoder, oldest first.
    fresh: VecDeque<Weak<Slot>>,
    /// The window that was begun: no other takes its place.
    begun: Option<(u64, Vec<Arc<Slot>>)>,
    windows: VecDeque<(u64, Vec<Arc<Slot>>)>,
    /// Whether an encoder in order runs.
    encodes: bool,
    /// What an encoder in order made of the samples so far, and the grid of the last of them.
    state: Option<(u64, State)>,
}

impl Queue {
    /// A queue for windows of `frames` samples.
    pub(super) fn new(frames: usize, encoding: Encoding) -> Self {
        Self {
            frames,
            encoding,
            generation: 0,
            grid: 0,
            recent: VecDeque::new(),
            last_frame: None,
            fresh: VecDeque::new(),
            begun: None,
            windows: VecDeque::new(),
            encodes: false,
            state: None,
        }
    }

    /// The run of the stream that it belongs to.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// Drops everything that waits. What comes next belongs to `generation`.
    pub(super) fn begin(&mut self, generation: u64) {
        *self = Self { generation, encodes: self.encodes, ..Self::new(self.frames, self.encoding) };
    }

    /// Adds the next sample of the grid.
    pub(super) fn sample(&mut self, sample: Sample) {
        let frame = match (sample, self.recent.back()) {
            (Sample::Frame(frame), _) => Some(frame),
            (Sample::Repeat, None) => return,
            (Sample::Repeat, Some(_)) if self.encoding == Encoding::InOrder => self.last_frame.clone(),
            (Sample::Repeat, Some(_)) => None,
        };
        if self.encoding == Encoding::InOrder {
            self.last_frame.clone_from(&frame);
        }
        let slot = match (frame, self.recent.back()) {
            (Some(frame), _) => Arc::new(self.slot(frame)),
            (None, Some(last)) => Arc::clone(last),
            (None, None) => return,
        };
        if slot.waits() && !self.recent.back().is_some_and(|last| Arc::ptr_eq(last, &slot)) {
            self.fresh.push_back(Arc::downgrade(&slot));
        }
        if self.recent.len() == self.frames {
            self.recent.pop_front();
        }
        self.recent.push_back(slot);
        self.fresh.retain(|slot| slot.strong_count() > 0);
    }

    fn slot(&self, frame: Arc<Tensor>) -> Slot {
        let progress = match self.encoding {
            Encoding::None => Progress::Encoded(Encoded::of_frame(frame)),
            Encoding::Each | Encoding::InOrder => Progress::Waits(frame),
        };
        Slot { grid: self.grid, progress: Mutex::new(progress) }
    }

    /// Asks for a window over the last `samples` samples. Says which window it replaces.
    pub(super) fn window(&mut self, number: u64, samples: usize, waiting: Waiting) -> Option<u64> {
        let older = self.recent.len().saturating_sub(samples);
        let slots = self.recent.iter().skip(older).cloned().collect();
        let replaced = match waiting {
            Waiting::Newest => self.windows.pop_back().map(|(replaced, _)| replaced),
            Waiting::All => None,
        };
        self.windows.push_back((number, slots));
        replaced
    }

    /// Forgets the samples so far, but for those of windows that wait.
    pub(super) fn new_grid(&mut self) {
        self.grid += 1;
        self.recent.clear();
        self.last_frame = None;
    }

    /// Whether its grid goes on, so that more may come soon.
    pub(super) fn is_active(&self) -> bool {
        !self.recent.is_empty()
    }

    fn first_window(&self) -> Option<&(u64, Vec<Arc<Slot>>)> {
        self.begun.as_ref().or(self.windows.front())
    }

    /// What can be done next.
    pub(super) fn peek(&self) -> Option<Kind> {
        if self.first_window().is_some_and(|(_, slots)| slots.iter().all(|slot| slot.is_through())) {
            return Some(Kind::Classify);
        }
        (self.count(Kind::Encode) > 0).then_some(Kind::Encode)
    }

    /// How many units of a kind could run now.
    pub(super) fn count(&self, kind: Kind) -> usize {
        match kind {
            Kind::Classify => {
                let through =
                    |(_, slots): &&(u64, Vec<Arc<Slot>>)| slots.iter().all(|slot| slot.is_through());
                self.begun.iter().chain(&self.windows).take_while(through).count()
            }
            Kind::Encode => {
                let waiting = self.fresh.iter().filter(|slot| slot.strong_count() > 0).count();
                match self.encoding {
                    Encoding::InOrder => waiting.min(usize::from(!self.encodes)),
                    Encoding::None | Encoding::Each => waiting,
                }
            }
        }
    }

    /// Takes the next unit of a kind.
    pub(super) fn take(&mut self, kind: Kind) -> Option<Unit> {
        if self.count(kind) == 0 {
            return None;
        }
        match kind {
            Kind::Classify => {
                let (number, slots) = self.begun.take().or_else(|| self.windows.pop_front())?;
                let mut samples: Option<Vec<Encoded>> = slots.iter().map(|slot| slot.encoded()).collect();
                if let Some(samples) = &mut samples
                    && let Some(last) = samples.last().cloned()
                {
                    samples.resize(self.frames, last);
                }
                Some(Unit::Classify { number, samples })
            }
            Kind::Encode => {
                if self.begun.is_none() {
                    self.begun = self.windows.pop_front();
                }
                let slot = std::iter::from_fn(|| self.fresh.pop_front()).find_map(|slot| slot.upgrade())?;
                let Progress::Waits(frame) = std::mem::replace(&mut *slot.lock(), Progress::Runs) else {
                    return None;
                };
                let state = self.state.as_ref().filter(|(grid, _)| *grid == slot.grid);
                let state = state.map(|(_, state)| Arc::clone(state));
                self.encodes = self.encoding == Encoding::InOrder;
                Some(Unit::Encode { slot, frame, state })
            }
        }
    }

    /// The encoder is through with a sample of a generation: what it made of it, and what it goes on from.
    pub(super) fn encoded(&mut self, generation: u64, slot: &Slot, made: Option<(Encoded, Option<State>)>) {
        self.encodes = false;
        let (progress, state) = match made {
            Some((encoded, state)) => (Progress::Encoded(encoded), state),
            None => (Progress::Failed, None),
        };
        *slot.lock() = progress;
        if generation == self.generation {
            self.state = state.map(|state| (slot.grid, state));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ElementType;

    fn frame() -> Sample {
        Sample::Frame(Arc::new(Tensor::zeros(ElementType::U8, vec![1])))
    }

    fn queue(encoding: Encoding, samples: usize) -> Queue {
        let mut queue = Queue::new(4, encoding);
        queue.begin(7);
        (0..samples).for_each(|_| queue.sample(frame()));
        queue
    }

    /// Runs everything that is there, and gives the windows in order and how many samples were encoded before each.
    fn run(queue: &mut Queue) -> Vec<(u64, usize)> {
        let (mut found, mut encoded) = (Vec::new(), 0);
        while let Some(kind) = queue.peek() {
            match queue.take(kind).unwrap() {
                Unit::Encode { slot, frame, .. } => {
                    encoded += 1;
                    queue.encoded(7, &slot, Some((Encoded::of_frame(frame), None)));
                }
                Unit::Classify { number, samples } => {
                    assert_eq!(samples.map(|samples| samples.len()), Some(4));
                    found.push((number, encoded));
                }
            }
        }
        found
    }

    #[test]
    fn all_windows_wait_in_order() {
        let mut queue = queue(Encoding::Each, 4);
        assert!((0..3).all(|number| queue.window(number, 4, Waiting::All).is_none()));
        assert_eq!(run(&mut queue), [(0, 4), (1, 4), (2, 4)]);
    }

    #[test]
    fn the_newest_window_takes_the_place_of_the_one_that_waits_but_not_of_one_begun() {
        let mut queue = queue(Encoding::Each, 4);
        let window = |queue: &mut Queue, number| queue.window(number, 4, Waiting::Newest);
        assert_eq!(window(&mut queue, 0), None);
        assert_eq!(window(&mut queue, 1), Some(0));
        let Some(Unit::Encode { slot, frame, .. }) = queue.take(Kind::Encode) else { panic!("no sample") };
        assert_eq!(window(&mut queue, 2), None);
        assert_eq!(window(&mut queue, 3), Some(2));
        queue.encoded(7, &slot, Some((Encoded::of_frame(frame), None)));
        assert_eq!(run(&mut queue), [(1, 3), (3, 3)]);
    }

    #[test]
    fn windows_come_before_samples_after_them_and_share_samples() {
        let mut queue = queue(Encoding::Each, 4);
        queue.window(0, 4, Waiting::All);
        queue.sample(Sample::Repeat);
        queue.sample(frame());
        queue.window(1, 4, Waiting::All);
        queue.sample(frame());
        assert_eq!(run(&mut queue), [(0, 4), (1, 5)]);
        assert_eq!(queue.count(Kind::Encode), 0);
    }

    #[test]
    fn a_short_window_repeats_its_last_sample() {
        let mut queue = queue(Encoding::None, 2);
        queue.window(0, 2, Waiting::All);
        assert_eq!(run(&mut queue), [(0, 0)]);
    }

    #[test]
    fn a_sample_that_no_window_needs_any_more_is_forgotten() {
        let mut queue = queue(Encoding::Each, 4 + 3);
        assert_eq!(queue.count(Kind::Encode), 4);
        queue.new_grid();
        assert_eq!(queue.peek(), None);
    }

    #[test]
    fn a_window_over_a_sample_that_failed_has_no_samples() {
        let mut queue = queue(Encoding::Each, 1);
        queue.window(0, 1, Waiting::All);
        let Some(Unit::Encode { slot, .. }) = queue.take(Kind::Encode) else { panic!("no sample") };
        assert_eq!(queue.peek(), None, "it runs");
        queue.encoded(7, &slot, None);
        assert!(matches!(queue.take(Kind::Classify), Some(Unit::Classify { number: 0, samples: None })));
    }

    #[test]
    fn an_encoder_in_order_takes_one_sample_at_a_time_and_goes_on_from_it_until_the_grid_ends() {
        let mut queue = queue(Encoding::InOrder, 2);
        queue.sample(Sample::Repeat);
        let state = || -> State { Arc::new(vec![Tensor::zeros(ElementType::F32, vec![1])]) };
        for expected in [false, true, true] {
            assert_eq!((queue.count(Kind::Encode), queue.peek()), (1, Some(Kind::Encode)));
            let Some(Unit::Encode { slot, frame, state: before }) = queue.take(Kind::Encode) else {
                panic!("no sample")
            };
            assert_eq!(before.is_some(), expected);
            assert_eq!(queue.peek(), None, "the next one goes by what becomes of this one");
            queue.encoded(7, &slot, Some((Encoded::of_frame(frame), Some(state()))));
        }
        queue.new_grid();
        queue.sample(frame());
        assert!(matches!(queue.take(Kind::Encode), Some(Unit::Encode { state: None, .. })));
    }

    #[test]
    fn a_new_generation_starts_with_nothing() {
        let mut queue = queue(Encoding::InOrder, 2);
        queue.window(0, 2, Waiting::All);
        let Some(Unit::Encode { slot, frame: taken, .. }) = queue.take(Kind::Encode) else {
            panic!("no sample")
        };
        queue.begin(8);
        queue.sample(Sample::Repeat);
        queue.sample(frame());
        assert_eq!(queue.peek(), None, "the encoder still runs");
        queue.encoded(7, &slot, Some((Encoded::of_frame(taken), Some(Arc::new(Vec::new())))));
        assert!(matches!(queue.take(Kind::Encode), Some(Unit::Encode { state: None, .. })));
    }
}
