//! The action layer against a reference that looks everything up in the list of windows.

#![allow(clippy::unwrap_used)] // Helpers of tests stand outside of test functions.

use std::{ops::Range, path::Path, sync::Arc};

use gstartclassify::{
    action::{ActionEvent, ActionLayer, ActionSettings, ActionState, Dated, Moment, WindowEvidence},
    classification::ClassScore,
    model::Labels,
};
use proptest::prelude::*;

/// Nanoseconds that a stretch may lack.
const ROUNDING: u64 = 2;

const NAMES: [&str; 3] = ["pike", "tuck", "background"];

/// One window: eighths for scores, so that sums are exact and thresholds are met to the bit.
#[derive(Debug, Clone)]
struct Seen {
    scores: [f32; 3],
    shares: bool,
    settings: ActionSettings,
    start: Dated,
    end: Dated,
}

#[derive(Debug, Clone)]
enum Step {
    Window(Seen),
    Reset(Option<Dated>),
}

/// A stretch of windows that is an action if it lasts.
struct Stretch {
    windows: Range<usize>,
    only: Option<usize>,
    stopped: bool,
}

/// The windows between two resets.
struct Run<'a> {
    labels: &'a Labels,
    windows: &'a [Seen],
}

impl Run<'_> {
    fn classes(&self) -> Vec<usize> {
        (0..NAMES.len()).filter(|&id| !self.labels.is_background(id)).collect()
    }

    /// The first of the classes with the highest value.
    fn best(&self, value: impl Fn(usize) -> f32) -> Option<usize> {
        let classes = self.classes();
        let highest = classes.iter().map(|&id| value(id)).reduce(f32::max)?;
        classes.into_iter().find(|&id| value(id) == highest)
    }

    /// The score of a class at a window and in all before, each of which weighs less.
    fn smoothed(&self, at: usize, class: usize) -> f32 {
        let weight = |i: usize| {
            let later: f32 =
                self.windows[i + 1..=at].iter().map(|window| window.settings.smoothing).product();
            let own = if i == 0 { 1.0 } else { 1.0 - self.windows[i].settings.smoothing };
            own * later
        };
        (0..=at).map(|i| weight(i) * self.windows[i].scores[class]).sum()
    }

    fn activity(&self, at: usize, only: Option<usize>) -> f32 {
        if self.labels.has_background() {
            let actions = self.classes().into_iter().map(|class| self.smoothed(at, class));
            if self.windows[at].shares {
                return actions.sum::<f32>().min(1.0);
            }
            let highest = (0..NAMES.len()).map(|class| self.smoothed(at, class)).fold(0.0, f32::max);
            return actions.fold(0.0, |best, score| if score == highest { score } else { best });
        }
        let class = only.or_else(|| self.best(|class| self.smoothed(at, class)));
        class.map_or(0.0, |class| self.smoothed(at, class))
    }

    fn stretches(&self) -> Vec<Stretch> {
        let mut stretches: Vec<Stretch> = Vec::new();
        loop {
            let free = stretches.last().map_or(0, |stretch| stretch.windows.end);
            let starts = |&at: &usize| self.activity(at, None) >= self.windows[at].settings.start_threshold;
            let Some(start) = (free..self.windows.len()).find(starts) else { return stretches };
            let background = self.labels.has_background();
            let only = (!background).then(|| self.best(|class| self.smoothed(start, class))).flatten();
            let stops = |&at: &usize| {
                let settings = &self.windows[at].settings;
                self.activity(at, only) < settings.stop_threshold.min(settings.start_threshold)
            };
            let stop = (start + 1..self.windows.len()).find(stops);
            let windows = start..stop.unwrap_or(self.windows.len());
            stretches.push(Stretch { windows, only, stopped: stop.is_some() });
        }
    }

    fn evidence(&self, stretch: &Stretch, at: usize, class: usize) -> f32 {
        self.windows[stretch.windows.start..=at].iter().map(|window| window.scores[class]).sum()
    }

    fn class_at(&self, stretch: &Stretch, at: usize) -> Option<usize> {
        stretch.only.or_else(|| self.best(|class| self.evidence(stretch, at, class)))
    }

    /// The window at which a stretch has lasted long enough to be an action, but for what times are rounded by.
    fn announced(&self, stretch: &Stretch) -> Option<usize> {
        let start = self.windows[stretch.windows.start].start.moment.running_time;
        stretch.windows.clone().find(|&at| {
            let window = &self.windows[at];
            window.end.moment.running_time - start + ROUNDING >= window.settings.min_duration
        })
    }

    fn event(&self, state: ActionState, action: u64, stretch: &Stretch, at: usize) -> Option<ActionEvent> {
        let class = self.class_at(stretch, at)?;
        let count = (at + 1 - stretch.windows.start) as f32;
        Some(ActionEvent {
            object: None,
            state,
            action,
            class: ClassScore {
                label: Arc::from(NAMES[class]),
                label_id: class as u32,
                score: self.evidence(stretch, at, class) / count,
            },
            start: self.windows[stretch.windows.start].start,
            end: (state == ActionState::Stop).then(|| self.windows[at].end),
        })
    }

    /// The events of each window and then of the reset, and how many actions there were.
    fn events(&self, base: u64, reset: Option<Dated>) -> (Vec<Vec<ActionEvent>>, u64) {
        let mut events = vec![Vec::new(); self.windows.len() + 1];
        let stretches = self.stretches();
        // Where a stretch is announced, and with which window: one that lasts only up to the reset is at the reset.
        let end =
            |last: usize| reset.map_or(self.windows[last].end, |until| self.windows[last].end.max(until));
        let actions = stretches.iter().filter_map(|stretch| {
            let last = stretch.windows.end - 1;
            let (window, start) = (&self.windows[last], &self.windows[stretch.windows.start].start);
            let length = end(last).moment.running_time - start.moment.running_time;
            let late = !stretch.stopped && length + ROUNDING >= window.settings.min_duration;
            let announced = self.announced(stretch).map(|at| (at, at));
            Some((stretch, announced.or(late.then_some((last + 1, last)))?))
        });
        let mut count = 0;
        for (stretch, (announced, with)) in
            actions.filter(|(stretch, (_, with))| self.class_at(stretch, *with).is_some())
        {
            let action = base + count;
            count += 1;
            events[announced].extend(self.event(ActionState::Start, action, stretch, with));
            let later = announced + 1..stretch.windows.end;
            let changes = later.filter(|&at| self.class_at(stretch, at) != self.class_at(stretch, at - 1));
            changes.for_each(|at| events[at].extend(self.event(ActionState::Update, action, stretch, at)));
            let last = stretch.windows.end - 1;
            let stop = self.event(ActionState::Stop, action, stretch, last);
            if stretch.stopped {
                // A stretch of another class may start where this one stops.
                events[last + 1].extend(stop);
            } else {
                events[last + 1].extend(stop.map(|stop| ActionEvent { end: Some(end(last)), ..stop }));
            }
        }
        (events, count)
    }
}

/// What the layer must say to each step, the last of which is a reset.
fn reference(labels: &Labels, steps: &[Step]) -> Vec<Vec<ActionEvent>> {
    let mut all = Vec::new();
    let mut base = 0;
    for run in steps.split_inclusive(|step| matches!(step, Step::Reset(_))) {
        let windows: Vec<Seen> = run
            .iter()
            .filter_map(|step| match step {
                Step::Window(window) => Some(window.clone()),
                Step::Reset(_) => None,
            })
            .collect();
        let until = match run.last() {
            Some(Step::Reset(until)) => *until,
            _ => None,
        };
        let (events, count) = Run { labels, windows: &windows }.events(base, until);
        all.extend(events);
        base += count;
    }
    all
}

fn tell(layer: &mut ActionLayer, step: &Step) -> Vec<ActionEvent> {
    match step {
        Step::Window(Seen { scores, shares, settings, start, end }) => {
            layer.push(settings, &WindowEvidence { scores, shares: *shares, start: *start, end: *end })
        }
        Step::Reset(until) => layer.reset(*until),
    }
}

/// What a step is before it has its time.
#[derive(Debug, Clone)]
enum Draft {
    Window { scores: [u8; 3], shares: bool, settings: ActionSettings, lasts: u64 },
    Reset { until: Option<u64> },
}

fn eighths(most: u8) -> impl Strategy<Value = f32> {
    (0..=most).prop_map(|eighths| f32::from(eighths) / 8.0)
}

fn settings() -> impl Strategy<Value = ActionSettings> {
    let smoothing = prop::sample::select(vec![0.0f32, 0.5]);
    let fields = (eighths(8), eighths(8), 0u64..500, smoothing);
    fields.prop_map(|(start_threshold, stop_threshold, min_duration, smoothing)| ActionSettings {
        start_threshold,
        stop_threshold,
        min_duration,
        smoothing,
    })
}

/// Runs are short, so that no bit of a smoothed score is lost.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let run = (settings(), 0..3u8).prop_flat_map(|(fixed, changing)| {
        let settings = if changing == 0 { settings().boxed() } else { Just(fixed).boxed() };
        let scores = [0u8..=8, 0u8..=8, 0u8..=8];
        let window = (scores, any::<bool>(), settings, 1u64..200)
            .prop_map(|(scores, shares, settings, lasts)| Draft::Window { scores, shares, settings, lasts });
        let reset = prop::option::of(0u64..400).prop_map(|until| Draft::Reset { until });
        (prop::collection::vec(window, 0..16), reset).prop_map(|(mut run, reset)| {
            run.push(reset);
            run
        })
    });
    prop::collection::vec(run, 1..4).prop_map(|runs| {
        let mut now = 1000;
        let moment = |time: u64| Dated::unknown(Moment { pts: time + 5000, running_time: time });
        let steps = runs.into_iter().flatten().map(|draft| match draft {
            Draft::Window { scores, shares, settings, lasts } => {
                let start = moment(now);
                now += lasts;
                let scores = scores.map(|eighths| f32::from(eighths) / 8.0);
                Step::Window(Seen { scores, shares, settings, start, end: moment(now) })
            }
            Draft::Reset { until } => {
                Step::Reset(until.map(|until| moment((now + until).saturating_sub(200))))
            }
        });
        steps.collect()
    })
}

proptest! {
    #[test]
    fn the_layer_equals_the_reference(
        steps in steps(),
        background in prop::sample::subsequence(NAMES.to_vec(), 0..=2),
    ) {
        let background: Vec<String> = background.into_iter().map(String::from).collect();
        let labels = Labels::new(NAMES.map(String::from).to_vec(), &background, Path::new("labels.txt")).unwrap();
        let mut layer = ActionLayer::new(labels.clone());
        for (at, (step, expected)) in steps.iter().zip(reference(&labels, &steps)).enumerate() {
            prop_assert_eq!(tell(&mut layer, step), expected, "step {}", at);
        }
    }
}
