//! What holds for any stream of frames, whatever happens to it.

use gstartclassify::window::{Decision, FrameTime, GridEnd, MOST_SAMPLES, Ownership, Source, Window};

use super::events::{Answer, Event, Setup, tell};

/// Runs a machine over a history.
///
/// # Panics
/// When an invariant is broken.
pub fn check(setup: &Setup, events: &[Event]) -> Vec<Answer> {
    let mut windower = setup.windower();
    let mut setup = *setup;
    let mut seen = Seen::default();
    let answers = events.iter().map(|event| {
        let next = setup.after(event);
        let answer = tell(&mut windower, &next, event);
        seen.check(&setup, windower.delay(), event, &answer);
        setup = next;
        assert_eq!(windower.repeated(), seen.repeated);
        answer
    });
    answers.collect()
}

/// A frame whose window was not submitted yet.
struct Waiting {
    running_time: u64,
    owner: u64,
    /// How long it may wait, in nanoseconds.
    most: u64,
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
    /// The first and the last frame of the grid.
    frames: Option<(FrameTime, FrameTime)>,
    waiting: Vec<Waiting>,
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
            Event::Frame(time) => self.frame(setup, delay, time, *owner),
            Event::Flush => self.start_grid(),
            Event::Format => self.changed = true,
            Event::Gap(until) => self.gap(setup, *until, decisions),
            Event::End { .. } | Event::Model { .. } => assert_eq!(self.samples, 0, "the end ends the grid"),
            Event::Tolerance(_) | Event::Live(_) => {}
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
        if event.pads().is_some() {
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
        for &Waiting { running_time: time, owner, .. } in
            self.waiting.iter().filter(|frame| frame.owner == *number)
        {
            let (from, to) = (owns_from.running_time, owns_to.running_time);
            assert!(
                time.saturating_add(1) >= from && time <= to,
                "window {owner} owns a frame at {time}, and says {from} to {to}"
            );
        }
        self.waiting.retain(|frame| frame.owner > *number);
    }

    fn frame(&mut self, setup: &Setup, delay: u64, time: &FrameTime, owner: Option<u64>) {
        self.changed = false;
        let first = self.frames.map_or(*time, |(first, _)| first);
        self.frames = Some((first, *time));
        let newest = self.windows.checked_sub(1).filter(|&newest| newest >= self.base);
        if setup.ownership == Ownership::Newest {
            assert_eq!(owner, newest);
            return;
        }
        let in_time = setup.ownership == Ownership::CentralInTime;
        let elapsed = (time.running_time - first.running_time) as f64;
        let early = elapsed * setup.fps / 1e9 < (setup.frames - setup.hop) as f64 / 2.0;
        assert_eq!(
            owner.is_none(),
            in_time && early,
            "each frame has its window, but early ones of live streams"
        );
        let Some(owner) = owner else { return };
        assert!(owner >= self.base && Some(owner) >= self.last_owner, "owners count up within a grid");
        self.last_owner = Some(owner);
        if newest.is_none_or(|newest| owner > newest) {
            // Before the central hop of the first window, frames wait until the window fills.
            let most = if early { ((setup.frames - 1) as f64 / setup.fps * 1e9) as u64 } else { delay };
            self.waiting.push(Waiting { running_time: time.running_time, owner, most: most.max(delay) });
        }
        for frame in &self.waiting {
            let waited = time.running_time - frame.running_time;
            assert!(waited <= frame.most.saturating_add(2), "a frame waits {waited} ns");
        }
    }

    /// The samples of a gap are the last frame's, before `until`, and as long as the gap is tolerated.
    fn gap(&self, setup: &Setup, until: u64, decisions: &[Decision]) {
        let taken = decisions.iter().filter_map(|decision| match decision {
            Decision::Sample(source) => Some(*source),
            _ => None,
        });
        assert!(taken.clone().all(|source| source != Source::Current), "no frame is in a gap");
        assert!(taken.clone().skip(1).all(|source| source == Source::Repeat), "a gap shows one frame");
        let taken = taken.count() as u64;
        if taken > 0 {
            assert!(taken <= MOST_SAMPLES && !self.changed);
            let (first, last) = self.frames.expect("a frame is on screen");
            let time = first.running_time as f64 + (self.samples - 1) as f64 * 1e9 / setup.fps;
            let tolerance = setup.gap_tolerance.max(last.duration.saturating_mul(2));
            let end = until.min(last.running_time.saturating_add(tolerance)) as f64;
            assert!(time <= end * (1.0 + 1e-12) + 1.0, "a sample at {time} of a gap that ends at {end}");
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
