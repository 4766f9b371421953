//! The machine that turns frames into samples, windows and owners, and the numbers that windows have.

use std::collections::VecDeque;

use super::{FrameTime, Grid, GridSettings, Reset, Sampled, Step, WindowPlan};
use crate::action::Moment;

/// Which window's result a frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// The window in whose central hop the frame lies.
    Central,
    /// The same, but frames before the central hop of a grid's first window, which would wait longer than all others,
    /// carry none.
    CentralInTime,
    /// The newest window that is complete when the frame comes.
    Newest,
}

/// What a sample is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The frame before the one just taken; in a gap, the last one.
    Previous,
    /// The frame just taken.
    Current,
    /// The frame of the sample before, once more.
    Repeat,
}

/// A window whose samples are complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Number of the window; numbers count up over all grids.
    pub number: u64,
    /// The frames of its samples, as many as a window has. Where fewer were taken, the last one fills up.
    pub samples: Vec<Moment>,
    /// How many samples were taken.
    pub taken: usize,
    /// Begin of the frames that it owns.
    pub owns_from: Moment,
    /// End of the frames that it owns, for all that is known when it closes: where it closes with its grid, no later than
    /// the grid ends.
    pub owns_to: Moment,
}

/// The end of a grid: its samples are in no later window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GridEnd {
    /// Why, where a frame ended it.
    pub reset: Option<Reset>,
    /// Its last window, if it had any. Frames that later ones would own belong to this one.
    pub last: Option<u64>,
    /// Where its last frame ends: where it has lasted its duration, or the gap in which it stays on screen is over, if
    /// that is later.
    pub until: Option<Moment>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The grid ended.
    GridEnded(GridEnd),
    /// The next sample is taken.
    Sample(Source),
    /// The samples so far complete a window.
    Window(Window),
}

/// What a frame brought about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// What to do, in order.
    pub decisions: Vec<Decision>,
    /// Number of the window that owns the frame, which need not be complete; `None` where there is none.
    pub owner: Option<u64>,
}

#[derive(Debug, Clone)]
struct LastFrame {
    time: FrameTime,
    /// Whether samples can still be taken from it.
    usable: bool,
    /// How long it is on screen at least, in nanoseconds.
    stays: u64,
}

/// Windows of a stream of frames: decides and numbers, and leaves it to the caller to obey.
#[derive(Debug, Clone)]
pub struct Windower {
    fps: f64,
    /// PTS pass so many times as fast as running time.
    rate: f64,
    plan: WindowPlan,
    ownership: Ownership,
    grid: Grid,
    /// The last frame of the running grid.
    last: Option<LastFrame>,
    /// How many frames came so far.
    count: u64,
    /// Which of them the newest sample was taken from.
    sampled: Option<u64>,
    repeated: u64,
    /// The frames of the last samples, no more than a window has.
    recent: VecDeque<Moment>,
    /// Number of the grid's window 0.
    base: u64,
    /// Number of the next window.
    next: u64,
}

impl Windower {
    /// The machine at the start of a stream.
    #[must_use]
    pub fn new(settings: GridSettings, plan: WindowPlan, ownership: Ownership) -> Self {
        Self {
            fps: settings.fps,
            rate: 1.0,
            plan,
            ownership,
            grid: Grid::new(settings),
            last: None,
            count: 0,
            sampled: None,
            repeated: 0,
            recent: VecDeque::new(),
            base: 0,
            next: 0,
        }
    }

    /// Changes which window's result frames carry.
    pub fn set_ownership(&mut self, ownership: Ownership) {
        self.ownership = ownership;
    }

    /// PTS pass `rate` times as fast as running time from now on.
    pub fn set_rate(&mut self, rate: f64) {
        self.rate = rate;
    }

    /// From a sample to the next, in nanoseconds of PTS.
    #[must_use]
    pub fn sample_period(&self) -> u64 {
        self.pts((1e9 / self.fps) as u64)
    }

    /// How far PTS come in nanoseconds of running time.
    fn pts(&self, running_time: u64) -> u64 {
        (running_time as f64 * self.rate) as u64
    }

    /// Changes the sample rate and the windows, between two grids.
    pub fn set_plan(&mut self, fps: f64, plan: WindowPlan) {
        self.fps = fps;
        self.plan = plan;
        self.grid.set_fps(fps);
    }

    /// Whether a grid has begun.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.grid.decided() > 0
    }

    /// Changes the gap tolerance, in nanoseconds.
    pub fn set_gap_tolerance(&mut self, tolerance: u64) {
        self.grid.set_gap_tolerance(tolerance);
    }

    /// How many samples repeated the frame of the sample before.
    #[must_use]
    pub fn repeated(&self) -> u64 {
        self.repeated
    }

    /// The last frame of the running grid.
    #[must_use]
    pub fn last_frame(&self) -> Option<&FrameTime> {
        self.last.as_ref().map(|last| &last.time)
    }

    /// Whether the newest sample was taken from the last frame: further ones of it repeat that sample.
    #[must_use]
    pub fn is_last_sampled(&self) -> bool {
        self.count.checked_sub(1).is_some_and(|last| self.sampled == Some(last))
    }

    /// How long a frame in or behind the central hop of a window waits for the window's last sample at most, in
    /// nanoseconds.
    #[must_use]
    pub fn delay(&self) -> u64 {
        match self.ownership {
            Ownership::Central | Ownership::CentralInTime => (self.plan.delay() / self.fps * 1e9) as u64,
            Ownership::Newest => 0,
        }
    }

    /// How many frames wait for their windows at most, at `rate` frames a second, with some to spare.
    #[must_use]
    pub fn held_frames(&self, rate: f64) -> u32 {
        let further = self.plan.further() * self.plan.hop();
        let steady = self.plan.delay() + (self.plan.hop() + further) as f64;
        let samples = match self.ownership {
            Ownership::Central => steady.max((self.plan.frames() + further) as f64),
            Ownership::CentralInTime => steady,
            Ownership::Newest => 0.0,
        };
        ((samples / self.fps * rate).ceil() as u32).saturating_add(2)
    }

    /// The frames changed their format: a sample that would be taken from the frame before is taken from the
    /// next one instead. The window goes on.
    pub fn change_format(&mut self) {
        if let Some(last) = &mut self.last {
            last.usable = false;
        }
    }

    /// The stream was flushed: nothing of it is left but the count of windows.
    pub fn flush(&mut self) {
        self.grid.clear();
        self.forget();
    }

    /// Takes the next frame.
    pub fn frame(&mut self, time: FrameTime) -> Taken {
        let mut decisions = Vec::new();
        let decided = self.grid.decided();
        let step = self.grid.push(time);
        if step.reset.is_some() {
            let last = self.last_whole(decided);
            decisions.push(Decision::GridEnded(self.end_grid(step.reset, last)));
        }
        self.take(&step, &time, &mut decisions);
        let at = self.grid.position(time.running_time);
        let owner = match self.ownership {
            Ownership::Central => at.map(|at| self.base + self.plan.owner(at)),
            Ownership::CentralInTime => {
                at.filter(|&at| at >= self.plan.centre()).map(|at| self.base + self.plan.owner(at))
            }
            Ownership::Newest => self.last_whole(self.grid.decided()),
        };
        self.last = Some(LastFrame { time, usable: true, stays: time.duration });
        self.count += 1;
        Taken { decisions, owner }
    }

    /// No frame comes before the running time `until`, in nanoseconds: the last one stays on screen until then, but no
    /// longer after its begin than the gap tolerance that holds now, which is never less than two such frames and never
    /// more than [`MOST_SAMPLES`](super::MOST_SAMPLES).
    ///
    /// Samples that are not decided yet and lie more than half of that frame's duration before the moment when it leaves
    /// the screen are taken from it. All others are left to the next frame, which gives back no sample, even if it comes
    /// before `until`. The grid goes on, and the next frame starts a new one just as it would without the gap.
    ///
    /// Where a grid has no frame yet, or the format changed since the last one, nothing happens.
    pub fn gap(&mut self, until: u64) -> Vec<Decision> {
        let mut decisions = Vec::new();
        let Some(last) = self.last.as_mut().filter(|last| last.usable) else { return decisions };
        let time = last.time;
        if let Some(until) = self.grid.tolerated(until) {
            last.stays = last.stays.max(until.saturating_sub(time.running_time));
        }
        let step = self.grid.advance(until);
        self.take(&step, &time, &mut decisions);
        decisions
    }

    fn take(&mut self, step: &Step, current: &FrameTime, decisions: &mut Vec<Decision>) {
        for (n, &sampled) in (step.first..).zip(&step.samples) {
            decisions.push(Decision::Sample(self.sample(sampled, current)));
            if let Some(k) = self.plan.completed_by(n) {
                decisions.push(Decision::Window(self.window(k, self.plan.frames())));
            }
        }
    }

    /// The stream ended. With `pad`, samples that lie in no whole window make one more, which comes first.
    pub fn end(&mut self, pad: bool) -> (Option<Window>, GridEnd) {
        let decided = self.grid.decided();
        let open = self.plan.left_open(decided).filter(|_| pad);
        let until = self.until();
        let window = open.map(|(k, samples)| {
            let mut window = self.window(k, samples);
            if let Some(until) = until.filter(|until| until.running_time < window.owns_to.running_time) {
                let early = until.running_time < window.owns_from.running_time;
                window.owns_to = if early { window.owns_from } else { until };
            }
            window
        });
        let last = window.as_ref().map(|window| window.number).or_else(|| self.last_whole(decided));
        self.grid.clear();
        (window, self.end_grid(None, last))
    }

    /// Number of the last window that `decided` samples of the running grid fill.
    fn last_whole(&self, decided: u64) -> Option<u64> {
        Some(self.base + decided.checked_sub(self.plan.frames())? / self.plan.hop())
    }

    fn end_grid(&mut self, reset: Option<Reset>, last: Option<u64>) -> GridEnd {
        let until = self.until();
        self.forget();
        GridEnd { reset, last, until }
    }

    /// Where the last frame ends.
    fn until(&self) -> Option<Moment> {
        self.last.as_ref().map(|last| Moment {
            pts: last.time.pts.saturating_add(self.pts(last.stays)),
            running_time: last.time.running_time.saturating_add(last.stays),
        })
    }

    fn forget(&mut self) {
        self.recent.clear();
        self.last = None;
        self.base = self.next;
    }

    /// Takes the next sample from the frame before or from `current`.
    fn sample(&mut self, sampled: Sampled, current: &FrameTime) -> Source {
        let (source, frame, number) = match (&self.last, sampled) {
            (Some(last), Sampled::Previous) if last.usable => (Source::Previous, &last.time, self.count - 1),
            _ => (Source::Current, current, self.count),
        };
        let repeats = self.sampled.replace(number) == Some(number);
        self.repeated += u64::from(repeats);
        let moment = Moment { pts: frame.pts, running_time: frame.running_time };
        if self.recent.len() as u64 == self.plan.frames() {
            self.recent.pop_front();
        }
        self.recent.push_back(moment);
        if repeats { Source::Repeat } else { source }
    }

    /// Window `k` of the grid, which is the last `taken` samples.
    fn window(&mut self, k: u64, taken: u64) -> Window {
        let taken = taken as usize;
        let older = self.recent.len().saturating_sub(taken);
        let mut samples: Vec<Moment> = self.recent.iter().skip(older).copied().collect();
        let central = (k * self.plan.hop()) as f64 + self.plan.centre();
        let owns_from = self.moment(&samples, if k == 0 { 0.0 } else { central });
        let owns_to = self.moment(&samples, central + self.plan.hop() as f64);
        if let Some(&last) = samples.last() {
            samples.resize(self.plan.frames() as usize, last);
        }
        let number = self.base + k;
        self.next = number + 1;
        Window { number, samples, taken, owns_from, owns_to }
    }

    /// The moment at a position of the grid, by the clocks of the last of `samples` before it.
    fn moment(&self, samples: &[Moment], position: f64) -> Moment {
        let (Some(running_time), Some(first)) = (self.grid.running_time(position), samples.first()) else {
            return Moment { pts: 0, running_time: 0 };
        };
        let near = samples.iter().rfind(|sample| sample.running_time <= running_time).unwrap_or(first);
        let pts = if running_time < near.running_time {
            near.pts.saturating_sub(self.pts(near.running_time - running_time))
        } else {
            near.pts.saturating_add(self.pts(running_time - near.running_time))
        };
        Moment { pts, running_time }
    }
}

#[cfg(test)]
mod tests;
