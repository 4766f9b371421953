//! When an action starts and stops, out of the scores of overlapping windows.

use super::{ActionEvent, ActionState, Dated, Numbers};
use crate::{classification::ClassScore, model::Labels, object::ObjectId};

/// How much too short a stretch may be, in nanoseconds: the times of frames, and how long they last, are rounded.
const ROUNDING: u64 = 2;

/// How scores become actions. Scores are 0..1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ActionSettings {
    /// An action starts when the smoothed activity reaches this.
    pub start_threshold: f32,
    /// It stops when the smoothed activity falls below this; no higher than the start threshold.
    pub stop_threshold: f32,
    /// Stretches shorter than this are no action, in nanoseconds of running time.
    pub min_duration: u64,
    /// Weight of the past in the exponential smoothing: 0 takes each window as it is, 0.9 is sluggish.
    pub smoothing: f32,
}

/// What one window says, and the stretch of the stream that it speaks for.
#[derive(Debug, Clone, Copy)]
pub struct WindowEvidence<'a> {
    /// Score of each class.
    pub scores: &'a [f32],
    /// Whether the scores are shares of a whole, so that those of all actions add up.
    pub shares: bool,
    /// Begin of the window's central hop: where the frames it owns begin.
    pub start: Dated,
    /// End of the window's central hop.
    pub end: Dated,
}

/// Turns windows, in order, into actions.
///
/// Where the model has background classes, an action is a stretch of activity: the sum of all other scores where scores
/// are shares of a whole, and else the highest of them, unless a background class scores higher. Its label is the class
/// with the highest sum of scores over the stretch, so that windows which see only part of the action cannot split it.
/// Without background classes an action is a stretch of one class.
#[derive(Debug, Clone)]
pub struct ActionLayer {
    labels: Labels,
    object: Option<ObjectId>,
    numbers: Numbers,
    smoothed: Vec<f32>,
    running: Option<Running>,
}

#[derive(Debug, Clone)]
struct Running {
    /// Number and class that were made known last.
    announced: Option<(u64, usize)>,
    /// How long it must last to be made known.
    least: u64,
    /// The class of the stretch, where it is a stretch of one class.
    only: Option<usize>,
    start: Dated,
    end: Dated,
    /// Sum of each class's scores over the stretch.
    evidence: Vec<f32>,
    windows: f32,
}

impl ActionLayer {
    /// A layer at the start of a stream.
    #[must_use]
    pub fn new(labels: Labels) -> Self {
        Self::sharing(labels, None, Numbers::default())
    }

    /// A layer for one of several objects, which share the numbers of actions.
    #[must_use]
    pub fn sharing(labels: Labels, object: Option<ObjectId>, numbers: Numbers) -> Self {
        Self { labels, object, numbers, smoothed: Vec::new(), running: None }
    }

    /// Takes the next window and says what happened, in order.
    pub fn push(&mut self, settings: &ActionSettings, window: &WindowEvidence<'_>) -> Vec<ActionEvent> {
        if self.smoothed.len() == window.scores.len() {
            for (past, &now) in self.smoothed.iter_mut().zip(window.scores) {
                *past = settings.smoothing * *past + (1.0 - settings.smoothing) * now;
            }
        } else {
            self.smoothed = window.scores.to_vec();
        }
        let mut events = Vec::new();
        if self.running.is_some()
            && self.activity(window.shares) < settings.stop_threshold.min(settings.start_threshold)
        {
            events.extend(self.finish());
        }
        if self.running.is_none() && self.activity(window.shares) >= settings.start_threshold {
            let only = if self.labels.has_background() { None } else { self.best_action(&self.smoothed) };
            self.running = Some(Running {
                announced: None,
                least: settings.min_duration,
                only,
                start: window.start,
                end: window.end,
                evidence: vec![0.0; window.scores.len()],
                windows: 0.0,
            });
        }
        events.extend(self.extend(settings, window));
        events
    }

    /// Ends the running action and forgets the past: the stream ended or jumped. The last window speaks for all that came
    /// after its central hop, up to `until`: a stretch that lasts long enough only so starts and stops at once.
    pub fn reset(&mut self, until: Option<Dated>) -> Vec<ActionEvent> {
        self.smoothed.clear();
        if let (Some(running), Some(until)) = (&mut self.running, until) {
            running.end = running.end.max(until);
        }
        self.announce().into_iter().chain(self.finish()).collect()
    }

    /// The class with the highest value that is no background; the first of equals.
    fn best_action(&self, values: &[f32]) -> Option<usize> {
        let actions = (0..values.len()).filter(|&id| !self.labels.is_background(id));
        actions.reduce(|best, next| if values[next] > values[best] { next } else { best })
    }

    /// How much action the smoothed scores show, 0..1: of the running stretch's class, or of any.
    fn activity(&self, shares: bool) -> f32 {
        if self.labels.has_background() {
            let of = |background: bool| {
                let scores = self.smoothed.iter().enumerate();
                scores
                    .filter(move |&(id, _)| self.labels.is_background(id) == background)
                    .map(|(_, &score)| score)
            };
            if shares {
                return of(false).sum::<f32>().min(1.0);
            }
            let best = of(false).fold(0.0, f32::max);
            return if of(true).any(|score| score > best) { 0.0 } else { best };
        }
        let only = self.running.as_ref().and_then(|running| running.only);
        only.or_else(|| self.best_action(&self.smoothed)).map_or(0.0, |class| self.smoothed[class])
    }

    /// Adds a window to the running stretch.
    fn extend(&mut self, settings: &ActionSettings, window: &WindowEvidence<'_>) -> Option<ActionEvent> {
        let running = self.running.as_mut()?;
        running.end = window.end;
        running.least = settings.min_duration;
        running.windows += 1.0;
        running.evidence.iter_mut().zip(window.scores).for_each(|(sum, &score)| *sum += score);
        self.announce()
    }

    /// Makes known that the running stretch is an action, or that its class is another.
    fn announce(&mut self) -> Option<ActionEvent> {
        let mut running = self.running.take()?;
        let class = running.only.or_else(|| self.best_action(&running.evidence))?;
        let length = running.end.moment.running_time.saturating_sub(running.start.moment.running_time);
        let state = match running.announced {
            None if length.saturating_add(ROUNDING) >= running.least => Some(ActionState::Start),
            Some((_, before)) if before != class => Some(ActionState::Update),
            _ => None,
        };
        let event = state.and_then(|state| {
            let action = running.announced.map_or_else(|| self.numbers.next(), |(action, _)| action);
            running.announced = Some((action, class));
            let class = self.mean_score(class, &running)?;
            Some(ActionEvent { state, action, object: self.object, class, start: running.start, end: None })
        });
        self.running = Some(running);
        event
    }

    fn finish(&mut self) -> Option<ActionEvent> {
        let running = self.running.take()?;
        let (action, class) = running.announced?;
        let class = self.mean_score(class, &running)?;
        let (start, end) = (running.start, Some(running.end));
        Some(ActionEvent { state: ActionState::Stop, action, object: self.object, class, start, end })
    }

    fn mean_score(&self, class: usize, running: &Running) -> Option<ClassScore> {
        let label = self.labels.name(class)?.clone();
        let score = running.evidence[class] / running.windows;
        Some(ClassScore { label, label_id: u32::try_from(class).ok()?, score })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::action::Moment;

    const SETTINGS: ActionSettings =
        ActionSettings { start_threshold: 0.6, stop_threshold: 0.3, min_duration: 0, smoothing: 0.0 };

    fn layer(background: &[&str]) -> ActionLayer {
        let names = ["pike", "tuck", "background"].map(String::from).to_vec();
        let background: Vec<String> = background.iter().map(|&name| name.into()).collect();
        ActionLayer::new(Labels::new(names, &background, Path::new("labels.txt")).unwrap())
    }

    fn moment(window: u64) -> Dated {
        Dated::unknown(Moment { pts: window * 100 + 5000, running_time: window * 100 })
    }

    fn run(layer: &mut ActionLayer, settings: &ActionSettings, windows: &[[f32; 3]]) -> Vec<ActionEvent> {
        let mut events = Vec::new();
        for (k, scores) in windows.iter().enumerate() {
            let k = k as u64;
            let window = WindowEvidence { scores, shares: true, start: moment(k), end: moment(k + 1) };
            events.extend(layer.push(settings, &window));
        }
        events
    }

    fn words(events: &[ActionEvent]) -> Vec<(&str, &str, u64)> {
        events
            .iter()
            .map(|event| (event.state.as_str(), &*event.class.label, event.start.moment.pts))
            .collect()
    }

    #[test]
    fn one_stretch_is_one_action_whatever_its_windows_are_called() {
        let mut layer = layer(&["background"]);
        let events = run(
            &mut layer,
            &SETTINGS,
            &[[0.1, 0.1, 0.8], [0.2, 0.5, 0.3], [0.9, 0.0, 0.1], [0.3, 0.1, 0.6], [0.1, 0.1, 0.8]],
        );
        assert_eq!(
            words(&events),
            [("start", "tuck", 5100), ("update", "pike", 5100), ("stop", "pike", 5100)]
        );
        assert_eq!(events[2].end, Some(moment(4)));
        assert!((events[2].class.score - 1.4 / 3.0).abs() < 1e-6);
    }

    #[test]
    fn without_background_a_class_is_followed_alone() {
        let mut layer = layer(&[]);
        let events =
            run(&mut layer, &SETTINGS, &[[0.9, 0.1, 0.0], [0.4, 0.6, 0.0], [0.2, 0.7, 0.1], [0.2, 0.1, 0.7]]);
        assert_eq!(
            words(&events),
            [
                ("start", "pike", 5000),
                ("stop", "pike", 5000),
                ("start", "tuck", 5200),
                ("stop", "tuck", 5200),
                ("start", "background", 5300)
            ]
        );
    }

    #[test]
    fn scores_that_are_no_shares_do_not_add_up() {
        let mut layer = layer(&["background"]);
        let classes = [[0.5, 0.5, 0.9], [0.8, 0.7, 0.9], [0.4, 0.7, 0.6], [0.4, 0.4, 0.6]];
        let mut events = Vec::new();
        for (k, scores) in (0..).zip(&classes) {
            let window = WindowEvidence { scores, shares: false, start: moment(k), end: moment(k + 1) };
            events.extend(layer.push(&SETTINGS, &window));
        }
        assert_eq!(words(&events), [("start", "tuck", 5200), ("stop", "tuck", 5200)]);
    }

    #[test]
    fn short_stretches_are_no_action() {
        let mut layer = layer(&["background"]);
        let settings = ActionSettings { min_duration: 200, ..SETTINGS };
        let quiet = [0.0, 0.0, 1.0];
        let loud = [0.9, 0.0, 0.1];
        assert_eq!(run(&mut layer, &settings, &[loud, quiet, quiet]), []);
        let events = run(&mut layer, &settings, &[loud, loud, quiet]);
        assert_eq!(words(&events), [("start", "pike", 5000), ("stop", "pike", 5000)]);
    }

    #[test]
    fn the_end_of_the_stream_stops_the_action() {
        let mut layer = layer(&["background"]);
        run(&mut layer, &SETTINGS, &[[0.9, 0.0, 0.1]]);
        let stop = layer.reset(Some(moment(7))).remove(0);
        assert_eq!((stop.state, stop.end), (ActionState::Stop, Some(moment(7))));
        assert_eq!(layer.reset(None), []);
    }

    #[test]
    fn a_stretch_that_is_long_enough_at_the_end_of_the_stream_is_an_action() {
        let settings = ActionSettings { min_duration: 300, ..SETTINGS };
        for (until, expected) in [
            (moment(2), vec![]),
            (Dated::unknown(Moment { pts: 5299, running_time: 299 }), vec!["start", "stop"]),
            (moment(3), vec!["start", "stop"]),
        ] {
            let mut layer = layer(&["background"]);
            assert_eq!(run(&mut layer, &settings, &[[0.9, 0.0, 0.1]]), []);
            let events = layer.reset(Some(until));
            assert_eq!(events.iter().map(|event| event.state.as_str()).collect::<Vec<_>>(), expected);
            assert!(events.last().is_none_or(|stop| stop.end == Some(until)));
        }
    }

    proptest! {
        /// Starts and stops alternate, numbers count up, times never run backwards, and no start is without
        /// its stop, for any scores and settings, also settings that change while it runs.
        #[test]
        fn events_are_well_formed(
            windows in prop::collection::vec(([0.0f32..1.0, 0.0f32..1.0, 0.0f32..1.0], 0.0f32..1.0, 0.0f32..1.0, 0u64..400, 0.0f32..0.95, any::<bool>()), 1..60),
            background in any::<bool>(),
        ) {
            let mut layer = layer(if background { &["background"] } else { &[] });
            let mut events = Vec::new();
            for (k, (scores, start, stop, min_duration, smoothing, shares)) in windows.iter().enumerate() {
                let settings = ActionSettings { start_threshold: *start, stop_threshold: *stop, min_duration: *min_duration, smoothing: *smoothing };
                let window = WindowEvidence { scores, shares: *shares, start: moment(k as u64), end: moment(k as u64 + 1) };
                events.extend(layer.push(&settings, &window));
            }
            events.extend(layer.reset(None));
            let mut open = None;
            let mut next = 0;
            let mut last_end = 0;
            for event in events {
                match event.state {
                    ActionState::Start => {
                        prop_assert_eq!(open, None);
                        prop_assert_eq!(event.action, next);
                        prop_assert!(event.start.moment.running_time >= last_end);
                        open = Some(event.action);
                        next += 1;
                    }
                    ActionState::Update => prop_assert_eq!(open, Some(event.action)),
                    ActionState::Stop => {
                        prop_assert_eq!(open, Some(event.action));
                        let end = event.end.unwrap();
                        prop_assert!(end > event.start);
                        last_end = end.moment.running_time;
                        open = None;
                    }
                }
                if background {
                    prop_assert!(event.class.label_id != 2);
                }
            }
            prop_assert_eq!(open, None);
        }
    }
}
