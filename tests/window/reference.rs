//! The rules of the window module, looked up in the whole history: slow, and without a state to go wrong.

use gstartclassify::{
    action::Moment,
    window::{Decision, FrameTime, GridEnd, MOST_SAMPLES, Ownership, Reset, Source, Window},
};

use super::events::{Answer, Event, Setup};

/// One grid: the events that were its frames, those of them and of its gaps that decide samples, and what ended it.
struct Span {
    frames: Vec<usize>,
    deciders: Vec<usize>,
    end: Option<usize>,
}

/// A sample: the event of the frame that it is taken from, and the one that decides it.
#[derive(Clone, Copy, PartialEq)]
struct Sample {
    from: usize,
    by: usize,
}

/// A history, and what a machine that just saw the events before each event is made for.
struct History<'a> {
    events: &'a [Event],
    setups: Vec<Setup>,
}

/// What a machine must answer to each event.
pub fn answers(setup: &Setup, events: &[Event]) -> Vec<Answer> {
    let before = |at| events[..at].iter().fold(*setup, Setup::after);
    let history = History { events, setups: (0..events.len()).map(before).collect() };
    let mut answers = vec![(Vec::new(), None); events.len()];
    let spans = history.spans();
    let mut base = 0;
    for (g, span) in spans.iter().enumerate() {
        let samples = history.samples(span);
        let windows = history.windows(span, &samples);
        let setup = history.setup(span);
        for &event in &span.deciders {
            for (n, sample) in samples.iter().enumerate().filter(|(_, sample)| sample.by == event) {
                answers[event].0.push(Decision::Sample(source(&samples[..n], sample)));
                let complete = windows
                    .iter()
                    .filter(|&&(first, taken)| taken as u64 == setup.frames && first + taken == n + 1);
                for window in complete {
                    answers[event].0.push(history.window(span, &samples, &windows, window, base));
                }
            }
        }
        for &event in &span.frames {
            answers[event].1 = history.owner(span, &samples, event, base);
        }
        if let Some(end) = span.end {
            if let Some(window) = windows.iter().find(|(_, taken)| (*taken as u64) < setup.frames) {
                answers[end].0.push(history.window(span, &samples, &windows, window, base));
            }
            if let Some(ended) = history.grid_end(span, windows.len() as u64, base) {
                // The frame that ended this grid is the first of the next one, whose answers come later.
                answers[end].0.push(Decision::GridEnded(ended));
            }
        }
        base += windows.len() as u64;
        debug_assert!(g + 1 == spans.len() || span.end.is_some());
    }
    // The end of a stream is told also where no frame was since the end before.
    for (event, answer) in events.iter().zip(&mut answers) {
        if event.pads().is_some() && answer.0.is_empty() {
            answer.0.push(Decision::GridEnded(GridEnd { reset: None, last: None, until: None }));
        }
    }
    answers
}

fn time_of(moment: &Moment) -> u64 {
    moment.running_time
}

fn source(before: &[Sample], sample: &Sample) -> Source {
    match before.last() {
        Some(last) if last.from == sample.from => Source::Repeat,
        _ if sample.from == sample.by => Source::Current,
        _ => Source::Previous,
    }
}

impl History<'_> {
    fn time(&self, event: usize) -> &FrameTime {
        match &self.events[event] {
            Event::Frame(time) => time,
            other => panic!("{other:?} is no frame"),
        }
    }

    /// What the machine was made for when a grid began; the ownership and the gap tolerance change in the middle.
    fn setup(&self, span: &Span) -> &Setup {
        &self.setups[span.frames[0]]
    }

    /// Nanoseconds that the most samples take which a frame may stand for.
    fn most(&self, event: usize) -> u64 {
        (MOST_SAMPLES as f64 * 1e9 / self.setups[event].fps) as u64
    }

    /// How long the frame of an event lasts, as far as sampling goes.
    fn duration(&self, event: usize) -> u64 {
        self.time(event).duration.min(self.most(event) / 2)
    }

    /// The gap tolerance that holds at an event, near a frame.
    fn tolerance(&self, event: usize, frame: usize) -> i128 {
        let two_frames = 2 * i128::from(self.duration(frame));
        two_frames.max(self.setups[event].gap_tolerance.into()).min(self.most(frame).into())
    }

    /// Whether an event forgets the frames before.
    fn cuts(&self, event: usize) -> bool {
        matches!(self.events[event], Event::Flush) || self.events[event].pads().is_some()
    }

    /// The last frame before an event, unless it was forgotten.
    fn before(&self, event: usize) -> Option<usize> {
        let since = (0..event).rfind(|&at| self.cuts(at)).map_or(0, |at| at + 1);
        (since..event).rfind(|&at| matches!(self.events[at], Event::Frame(_)))
    }

    /// Whether the format changed between two events.
    fn changed(&self, from: usize, to: usize) -> bool {
        self.events[from..to].iter().any(|event| matches!(event, Event::Format))
    }

    /// For a gap: the frame that stays on screen, and the running time until which it does. Nothing where there is no
    /// frame of the current format.
    fn stays(&self, event: usize) -> Option<(usize, i128)> {
        let Event::Gap(until) = self.events[event] else { return None };
        let last = self.before(event).filter(|&last| !self.changed(last, event))?;
        let longest = i128::from(self.time(last).running_time) + self.tolerance(event, last);
        Some((last, longest.min(until.into())))
    }

    fn reset(&self, event: usize) -> Option<Reset> {
        let (last, now) = (self.time(self.before(event)?), self.time(event));
        let elapsed = i128::from(now.running_time) - i128::from(last.running_time);
        let two_frames = 2 * i128::from(self.duration(event));
        let slack = two_frames.max(2 * i128::from((1e9 / self.setups[event].fps) as u64));
        let moved = last.stream_time.zip(now.stream_time).map(|(a, b)| i128::from(b) - i128::from(a));
        if elapsed < 0 {
            Some(Reset::Backwards)
        } else if elapsed > self.tolerance(event, event) {
            Some(Reset::Gap)
        } else if now.discont && elapsed > slack {
            Some(Reset::Discontinuity)
        } else if moved.is_some_and(|moved| (moved - elapsed).abs() > slack) {
            Some(Reset::Jump)
        } else {
            None
        }
    }

    fn spans(&self) -> Vec<Span> {
        let frames = || (0..self.events.len()).filter(|&at| matches!(self.events[at], Event::Frame(_)));
        let starts: Vec<usize> =
            frames().filter(|&at| self.before(at).is_none() || self.reset(at).is_some()).collect();
        let spans = starts.iter().enumerate().map(|(i, &start)| {
            let next = starts.get(i + 1).copied().unwrap_or(self.events.len());
            let end = (start..next).find(|&at| self.cuts(at)).or((next < self.events.len()).then_some(next));
            let all = start..end.unwrap_or(next);
            let frames = frames().filter(|at| all.contains(at)).collect();
            let decides = |at: &usize| matches!(self.events[*at], Event::Frame(_) | Event::Gap(_));
            Span { frames, deciders: all.filter(decides).collect(), end }
        });
        spans.collect()
    }

    /// The samples of a grid, each looked up among all its frames and gaps.
    fn samples(&self, span: &Span) -> Vec<Sample> {
        let (origin, fps) = (self.time(span.frames[0]).running_time, self.setup(span).fps);
        let half = |frame: usize| i128::from(self.duration(frame) / 2);
        let begin = |frame: usize| i128::from(self.time(frame).running_time);
        let stays: Vec<_> = span.deciders.iter().map(|&event| (event, self.stays(event))).collect();
        let sample = |n: u64| {
            let wanted = i128::from(origin) + (n as f64 * 1e9 / fps).round() as i128;
            let decides =
                |&&(event, stays): &&(usize, Option<(usize, i128)>)| match (&self.events[event], stays) {
                    (Event::Frame(_), _) => wanted <= begin(event) + half(event),
                    (_, Some((last, until))) => wanted < until - half(last),
                    _ => false,
                };
            let &(by, stays) = stays.iter().find(decides)?;
            let from = match (stays, self.before(by).filter(|_| by != span.frames[0])) {
                (Some((last, _)), _) => last,
                (None, Some(last)) if wanted < begin(by) - half(by) && !self.changed(last, by) => last,
                _ => by,
            };
            Some(Sample { from, by })
        };
        (0..).map_while(sample).collect()
    }

    /// The windows of a grid: number of the first sample, and how many samples were taken.
    fn windows(&self, span: &Span, samples: &[Sample]) -> Vec<(usize, usize)> {
        let (frames, hop) = (self.setup(span).frames as usize, self.setup(span).hop as usize);
        let mut windows: Vec<_> = (0..)
            .map(|k| (k * hop, frames))
            .take_while(|(first, _)| first + frames <= samples.len())
            .collect();
        let covered = windows.last().map_or(0, |(first, _)| first + frames);
        if covered < samples.len() && span.end.is_some_and(|end| self.events[end].pads() == Some(true)) {
            let first = windows.len() * hop;
            windows.push((first, samples.len() - first));
        }
        windows
    }

    fn moment(&self, sample: &Sample) -> Moment {
        let time = self.time(sample.from);
        Moment { pts: time.pts, running_time: time.running_time }
    }

    fn window(
        &self,
        span: &Span,
        samples: &[Sample],
        windows: &[(usize, usize)],
        window: &(usize, usize),
        base: u64,
    ) -> Decision {
        let &(first, taken) = window;
        let setup = self.setup(span);
        let own: Vec<Moment> =
            samples[first..first + taken].iter().map(|sample| self.moment(sample)).collect();
        let k = windows.iter().position(|other| other == window).expect("a window of the grid");
        // A position of the grid, in the clock of the last of the window's frames before it, or the first.
        let origin = self.time(span.frames[0]).running_time;
        let at = |position: f64| {
            let running_time = origin.saturating_add((position * 1e9 / setup.fps).round() as u64);
            let before = own.iter().rfind(|sample| sample.running_time <= running_time);
            let near = before.unwrap_or(&own[0]);
            let pts = i128::from(near.pts) + i128::from(running_time) - i128::from(near.running_time);
            Moment { pts: pts.clamp(0, u64::MAX.into()) as u64, running_time }
        };
        let end = first as f64 + (setup.frames + setup.hop) as f64 / 2.0;
        // A window that is filled up ends with its grid, if it has begun by then.
        let from = at(if k == 0 { 0.0 } else { end - setup.hop as f64 });
        let until = self.grid_end(span, 0, base).filter(|_| (taken as u64) < setup.frames);
        let until = until.and_then(|end| end.until).map(|until| std::cmp::max_by_key(from, until, time_of));
        let owns_to = until.map_or(at(end), |until| std::cmp::min_by_key(at(end), until, time_of));
        let padded = own.iter().chain(std::iter::repeat(&own[taken - 1])).take(setup.frames as usize);
        Decision::Window(Window {
            number: base + k as u64,
            samples: padded.copied().collect(),
            taken,
            owns_from: from,
            owns_to,
        })
    }

    /// The window that owns a frame of a grid.
    fn owner(&self, span: &Span, samples: &[Sample], event: usize, base: u64) -> Option<u64> {
        let Setup { fps, frames, hop, ownership, .. } = self.setups[event];
        if ownership == Ownership::Newest {
            let decided = samples.iter().filter(|sample| sample.by <= event).count() as u64;
            return (0..).take_while(|k| k * hop + frames <= decided).last().map(|k| base + k);
        }
        let ahead = self.time(event).running_time - self.time(span.frames[0]).running_time;
        let position = ahead as f64 * fps / 1e9;
        if ownership == Ownership::CentralInTime && position < (frames - hop) as f64 / 2.0 {
            return None;
        }
        let end = |k: u64| (k * hop) as f64 + (frames + hop) as f64 / 2.0;
        (0..).find(|&k| position < end(k)).map(|k| base + k)
    }

    /// What is told of the end of a grid; nothing where it was flushed away.
    fn grid_end(&self, span: &Span, windows: u64, base: u64) -> Option<GridEnd> {
        let end = span.end?;
        let reset = match &self.events[end] {
            Event::Flush => return None,
            Event::Frame(_) => self.reset(end),
            _ => None,
        };
        let last = *span.frames.last()?;
        let time = self.time(last);
        // How long the last frame is on screen.
        let gaps = (last..end).filter_map(|event| self.stays(event));
        let stays = gaps.map(|(_, until)| until - i128::from(time.running_time)).max().unwrap_or_default();
        let lasts = stays.max(time.duration.into()) as u64;
        let until = Some(Moment {
            pts: time.pts.saturating_add(lasts),
            running_time: time.running_time.saturating_add(lasts),
        });
        Some(GridEnd { reset, last: windows.checked_sub(1).map(|k| base + k), until })
    }
}
