//! Whether and how long frames wait for results: the policy, the LATENCY answer, and the moment a frame is due.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::{
    choices::{Alignment, Policy},
    line::Due,
};
use crate::engine::Waiting;

/// How late a frame may come from upstream beyond the latency that upstream answers, in nanoseconds: what sinks allow
/// for processing (`processing-deadline`).
const PROCESSING: u64 = 20_000_000;

/// How much longer than its latency the element holds frames rather than let them go early, in nanoseconds.
const SPARE: u64 = 200_000_000;

/// How long a frame is taken to last where upstream is told how many are held and nothing tells, in nanoseconds.
const UNKNOWN_FRAME: u64 = 33_333_333;

/// How long a frame lasts at least where nothing tells, in nanoseconds.
const SHORTEST_FRAME: u64 = 1_000_000_000 / 240;

/// Results that the estimate of a run looks back on.
const RECENT: usize = 32;

/// Of these, those that may take longer than the estimate: single hiccups are late rather than everybody's delay.
const OUTLIERS: usize = 2;

/// How long a window waits for its result, in nanoseconds: the third longest of the last 32, kept while it is about right,
/// since every change makes sinks shift their time.
#[derive(Debug, Default, Clone)]
struct RunEstimate {
    estimate: u64,
    /// What the estimate never exceeds: beyond it, results are late.
    most: u64,
    recent: VecDeque<u64>,
}

impl RunEstimate {
    fn new(estimate: u64, most: u64) -> Self {
        Self { estimate: estimate.min(most), most, recent: VecDeque::new() }
    }

    /// Takes the next measurement. Says whether the estimate changed.
    fn push(&mut self, waited: u64) -> bool {
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(waited);
        let mut sorted: Vec<u64> = self.recent.iter().copied().collect();
        sorted.sort_unstable();
        let Some(&usual) = sorted.len().checked_sub(OUTLIERS + 1).and_then(|at| sorted.get(at)) else {
            return false;
        };
        let margin = 2_000_000 + usual / 8;
        let too_long = self.recent.len() == RECENT && usual + 2 * margin < self.estimate;
        if usual > self.estimate || too_long {
            let before = std::mem::replace(&mut self.estimate, (usual + margin).min(self.most));
            return self.estimate != before;
        }
        false
    }
}

/// How frames flow through the element. Times are nanoseconds.
#[derive(Debug, Clone)]
pub struct Pace {
    alignment: Alignment,
    policy: Policy,
    live: Option<bool>,
    /// The latency that upstream answered.
    upstream: u64,
    /// How long a frame waits for the last sample of its window at most.
    window: u64,
    /// How long a frame lasts, where that is known.
    frame: Option<u64>,
    run: RunEstimate,
}

impl Default for Pace {
    fn default() -> Self {
        Self::new(Alignment::default(), Policy::default(), 0, (0, 0))
    }
}

impl Pace {
    /// Frames that wait up to `window` for the last sample of their window, and a model whose results take `run`, which
    /// no frame waits longer for than `most`.
    pub fn new(alignment: Alignment, policy: Policy, window: u64, (run, most): (u64, u64)) -> Self {
        let run = RunEstimate::new(run, most);
        Self { alignment, policy, live: None, upstream: 0, window, frame: None, run }
    }

    /// Whether upstream is live, where that is known.
    pub fn live(&self) -> Option<bool> {
        self.live
    }

    /// Takes upstream's answer to a LATENCY query.
    pub fn set_upstream(&mut self, live: bool, latency: u64) {
        self.live = Some(live);
        self.upstream = latency;
    }

    /// Sets how long a frame waits for the last sample of its window at most, and how long it lasts where that is known.
    /// Says whether the latency changed.
    pub fn set_window(&mut self, window: u64, frame: Option<u64>) -> bool {
        let before = self.latency();
        self.window = window;
        self.frame = frame.filter(|&frame| frame > 0);
        self.latency() != before
    }

    /// How many frames usually wait in the element at most: as many as come within its latency. Sinks that show frames at
    /// their time leave those here that have their result early.
    pub fn most_frames(&self) -> u32 {
        self.frames_held(self.frame.unwrap_or(UNKNOWN_FRAME))
    }

    /// How many frames may wait in the element: as many as come within its latency, at whatever rate.
    pub fn limit(&self) -> u32 {
        self.frames_held(self.frame.unwrap_or(SHORTEST_FRAME))
    }

    fn frames_held(&self, frame: u64) -> u32 {
        let frames = self.latency().saturating_add(SPARE) / frame;
        u32::try_from(frames).unwrap_or(u32::MAX).saturating_add(4)
    }

    /// Another model is at work, whose results take `run`, or `most` at most.
    pub fn set_run(&mut self, (run, most): (u64, u64)) {
        self.run = RunEstimate::new(run, most);
    }

    /// Takes the time that a window waited for its result. Says whether the latency changed.
    pub fn took(&mut self, waited: Duration) -> bool {
        let before = self.latency();
        self.run.push(u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX)) && self.latency() != before
    }

    /// Whether frames never wait for a model that is too slow.
    pub fn drops(&self) -> bool {
        match self.policy {
            Policy::Block => false,
            Policy::Drop => true,
            Policy::Auto => self.live == Some(true),
        }
    }

    /// Which windows wait while the model runs.
    pub fn waiting(&self) -> Waiting {
        if self.drops() { Waiting::Newest } else { Waiting::All }
    }

    /// How long the element holds a frame at most: its part of the pipeline's latency.
    pub fn latency(&self) -> u64 {
        match (self.alignment, self.drops()) {
            (Alignment::Delay, _) => self.window.saturating_add(self.run.estimate),
            (Alignment::Hold, false) => self.run.estimate,
            (Alignment::Hold, true) => 0,
        }
    }

    /// Whether [`due`](Self::due) goes by the age of frames.
    pub fn counts_age(&self) -> bool {
        self.live == Some(true) && self.drops() && self.alignment == Alignment::Delay
    }

    /// When a frame is due. `age` is how long ago the pipeline's clock reached its running time, in nanoseconds, where a
    /// live pipeline has a clock; a frame of another one counts from now.
    pub fn due(&self, age: Option<i64>) -> Due {
        if !self.drops() {
            return Due::Settled;
        }
        if self.alignment == Alignment::Hold {
            return Due::AtOnce;
        }
        let own = i128::from(self.latency());
        let left = match age {
            Some(age) => {
                let upstream = i128::from(self.upstream);
                let lateness = (i128::from(age) - upstream).clamp(0, PROCESSING.into());
                upstream + own - i128::from(age) + lateness
            }
            None => own,
        };
        Due::By(Instant::now() + Duration::from_nanos(u64::try_from(left).unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn pace(alignment: Alignment, policy: Policy) -> Pace {
        Pace::new(alignment, policy, 200 * MS, (30 * MS, 600 * MS))
    }

    fn live(alignment: Alignment, policy: Policy) -> Pace {
        let mut pace = pace(alignment, policy);
        pace.set_upstream(true, 40 * MS);
        pace
    }

    #[test]
    fn latency_of_each_combination() {
        for (alignment, policy, expected) in [
            (Alignment::Delay, Policy::Block, 230),
            (Alignment::Delay, Policy::Drop, 230),
            (Alignment::Hold, Policy::Block, 30),
            (Alignment::Hold, Policy::Drop, 0),
            (Alignment::Delay, Policy::Auto, 230),
            (Alignment::Hold, Policy::Auto, 0),
        ] {
            assert_eq!(live(alignment, policy).latency(), expected * MS, "{alignment:?} {policy:?}");
        }
        assert_eq!(pace(Alignment::Hold, Policy::Auto).latency(), 30 * MS);
    }

    #[test]
    fn auto_drops_when_upstream_is_live() {
        let mut pace = pace(Alignment::Delay, Policy::Auto);
        assert_eq!((pace.waiting(), pace.due(None)), (Waiting::All, Due::Settled));
        pace.set_upstream(true, 0);
        assert_eq!(pace.waiting(), Waiting::Newest);
        assert!(matches!(pace.due(None), Due::By(_)));
        pace.set_upstream(false, 0);
        assert_eq!(pace.waiting(), Waiting::All);
    }

    #[test]
    fn frames_of_any_rate_may_wait_as_long_as_the_latency() {
        let mut pace = live(Alignment::Delay, Policy::Drop);
        assert!(pace.limit() >= 230 * 240 / 1000, "{}", pace.limit());
        assert!(pace.most_frames() < 230 * 120 / 1000, "upstream makes no room for rates that are rare");
        pace.set_window(200 * MS, Some(20 * MS));
        assert_eq!((pace.limit(), pace.most_frames()), (430 / 20 + 4, 430 / 20 + 4));
    }

    /// Milliseconds from now to the moment a frame is due.
    fn due_in(pace: &Pace, age: Option<i64>) -> u128 {
        match pace.due(age) {
            Due::By(moment) => moment.saturating_duration_since(Instant::now()).as_millis(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_frame_is_due_at_its_running_time_and_all_latency() {
        let pace = live(Alignment::Delay, Policy::Drop);
        let ms = |ms: i64| Some(ms * MS as i64);
        assert!((225..=230).contains(&due_in(&pace, ms(40))), "on time");
        assert!((235..=240).contains(&due_in(&pace, ms(30))), "early");
        assert!((225..=230).contains(&due_in(&pace, ms(55))), "late, but within what processing takes");
        assert!((145..=150).contains(&due_in(&pace, ms(140))), "100 ms late");
        assert_eq!(due_in(&pace, ms(5000)), 0, "hopelessly late");
        assert!((225..=230).contains(&due_in(&pace, None)), "no clock");
        assert_eq!(live(Alignment::Hold, Policy::Drop).due(ms(40)), Due::AtOnce);
    }

    #[test]
    fn the_estimate_follows_what_lasts_and_not_a_hiccup() {
        let mut run = RunEstimate::new(30 * MS, 600 * MS);
        assert!((0..40).all(|_| !run.push(29 * MS)));
        assert!(!run.push(500 * MS) && !run.push(500 * MS), "two hiccups");
        assert!(run.push(60 * MS), "the third slow run counts");
        assert_eq!(run.estimate, 60 * MS + 2 * MS + 60 * MS / 8);
        let changes = (0..100).filter(|_| run.push(60 * MS)).count();
        assert!(changes <= 1, "{changes} changes of a steady run");
        let changes = (0..100).filter(|_| run.push(5000 * MS)).count();
        assert_eq!((changes, run.estimate), (1, 600 * MS), "no more than the most");
        let changes = (0..100).filter(|_| run.push(10 * MS)).count();
        assert_eq!(changes, 1);
        assert_eq!(run.estimate, 10 * MS + 2 * MS + 10 * MS / 8);
    }
}
