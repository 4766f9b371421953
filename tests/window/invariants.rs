//! What holds for any stream of frames, whatever happens to it.

use gstartclassify::window::{Decision, GridEnd, MOST_SAMPLES, Ownership, Source, Window};

use super::events::{Answer, Event, Setup, tell};

/// Runs a machine over a history.
///
/// # Panics
/// When an invariant is broken.
pub fn check(setup: &Setup, events: &[Event]) -> Vec<Answer> {
    let mut windower = setup.windower();
    let delay = windower.delay();
    let mut seen = Seen::default();
    let answers = events.iter().map(|event| {
        let answer = tell(&mut windower, event);
        seen.check(setup, delay, event, &answer);
        assert_eq!(windower.repeated(), seen.repeated);
        answer
    });
    answers.collect()
}

#[derive(Default)]
struct Seen {
    /// How many windows were submitted.
    windows: u64,
    repeated: u64,
    /// How many windows there were when the grid began.
    base: u64,
    /// How many samples the grid has.
    samples: u64,
    /// The frame before is not to be sampled any more.
    changed: bool,
    /// Running times and owners of the grid's frames whose window was not submitted yet.
    waiting: Vec<(u64, u64)>,
    last_owner: Option<u64>,
    /// Where the frames of the window before end.
    owned_to: Option<u64>,
}

impl Seen {
    fn check(&mut self, setup: &Setup, delay: u64, event: &Event, (decisions, owner): &Answer) {
        let mut samples = 0;
        for (at, decision) in decisions.iter().enumerate() {
            match decision {
                Decision::GridEnded(end) => {
                    let place = if matches!(event, Event::Frame(_)) { 0 } else { decisions.len() - 1 };
                    assert_eq!(at, place, "a grid ends before a frame and after the end of the stream");
                    assert_eq!(end.reset.is_some(), matches!(event, Event::Frame(_)));
                    self.end_grid(end);
                }
                Decision::Sample(source) => {
                    samples += 1;
                    self.sample(*source);
                }
                Decision::Window(window) => self.window(setup, event, window),
            }
        }
        assert!(samples <= 2 * MOST_SAMPLES, "{samples} samples of one frame");
        match event {
            Event::Frame(time) => self.frame(setup, delay, time.running_time, *owner),
            Event::Flush => self.start_grid(),
            Event::Format => self.changed = true,
            Event::End { .. } => assert_eq!(self.samples, 0, "the end ends the grid"),
            Event::Tolerance(_) => {}
        }
    }

    fn start_grid(&mut self) {
        *self =
            Self { windows: self.windows, repeated: self.repeated, base: self.windows, ..Self::default() };
    }

    fn sample(&mut self, source: Source) {
        match source {
            Source::Repeat => {
                assert_ne!(self.samples, 0, "a grid begins with a repeat");
                self.repeated += 1;
            }
            Source::Previous => assert!(self.samples > 0 && !self.changed, "the frame before is gone"),
            Source::Current => {}
        }
        self.samples += 1;
    }

    fn window(&mut self, setup: &Setup, event: &Event, window: &Window) {
        let Window { number, samples, taken, owns_from, owns_to } = window;
        assert_eq!(*number, self.windows, "numbers count up");
        self.windows += 1;
        assert_eq!(samples.len() as u64, setup.frames);
        if matches!(event, Event::End { pad: true }) {
            assert!((1..samples.len()).contains(taken), "an open window has {taken} samples");
        } else {
            assert_eq!(*taken, samples.len());
        }
        let times: Vec<u64> = samples.iter().map(|sample| sample.running_time).collect();
        assert!(times.is_sorted() && samples[taken - 1..].windows(2).all(|pair| pair[0] == pair[1]));
        assert!(owns_from.running_time <= owns_to.running_time);
        if let Some(end) = self.owned_to.replace(owns_to.running_time) {
            assert_eq!(end, owns_from.running_time, "a window owns from where the one before ends");
        }
        for &(time, owner) in self.waiting.iter().filter(|(_, owner)| owner == number) {
            let (from, to) = (owns_from.running_time, owns_to.running_time);
            assert!(
                time.saturating_add(1) >= from && time <= to,
                "window {owner} owns a frame at {time}, and says {from} to {to}"
            );
        }
        self.waiting.retain(|(_, owner)| owner > number);
    }

    fn frame(&mut self, setup: &Setup, delay: u64, running_time: u64, owner: Option<u64>) {
        self.changed = false;
        let newest = self.windows.checked_sub(1).filter(|&newest| newest >= self.base);
        if setup.ownership == Ownership::Newest {
            assert_eq!(owner, newest);
            return;
        }
        let Some(owner) = owner else {
            assert_eq!(setup.ownership, Ownership::CentralInTime, "each frame has its window");
            assert_eq!(self.last_owner, None, "only the first frames of a grid have none");
            return;
        };
        assert!(owner >= self.base && Some(owner) >= self.last_owner, "owners count up within a grid");
        self.last_owner = Some(owner);
        if newest.is_none_or(|newest| owner > newest) {
            self.waiting.push((running_time, owner));
        }
        // Of the frames that wait for the grid's first window, and of those that wait for later ones, the first.
        let later = self.waiting.partition_point(|&(_, owner)| owner == self.base);
        let in_time = setup.ownership == Ownership::CentralInTime;
        let filling = if in_time { 0 } else { ((setup.frames - 1) as f64 / setup.fps * 1e9) as u64 };
        for (at, most) in [(0, delay.max(filling)), (later, delay)] {
            let waited = self.waiting.get(at).map_or(0, |(since, _)| running_time - since);
            assert!(waited <= most.saturating_add(2), "a frame waits {waited} ns");
        }
    }

    /// Frames that wait get the last window of the grid, which must be there.
    fn end_grid(&mut self, end: &GridEnd) {
        let newest = self.windows.checked_sub(1).filter(|&newest| newest >= self.base);
        assert_eq!(end.last, newest, "the last window of the grid is the newest that was submitted");
        assert_eq!(
            end.until.is_some(),
            self.samples > 0,
            "a grid with samples ends where its last frame ends"
        );
        self.start_grid();
    }
}
