//! The rules of the window module, looked up in the whole history: slow, and without a state to go wrong.

use gstartclassify::{
    action::Moment,
    window::{Decision, FrameTime, GridEnd, MOST_SAMPLES, Ownership, Reset, Source, Window},
};

use super::events::{Answer, Event, Setup};

/// One grid: the events that were its frames, and what ended it.
struct Span {
    frames: Vec<usize>,
    end: Option<usize>,
}

/// A sample: which frames of the grid it is taken from and decided by.
#[derive(Clone, Copy, PartialEq)]
struct Sample {
    from: usize,
    by: usize,
}

/// A history and what it was made for.
struct History<'a> {
    setup: &'a Setup,
    events: &'a [Event],
}

/// What a machine must answer to each event.
pub fn answers(setup: &Setup, events: &[Event]) -> Vec<Answer> {
    let history = History { setup, events };
    let mut answers = vec![(Vec::new(), None); events.len()];
    let spans = history.spans();
    let mut base = 0;
    for (g, span) in spans.iter().enumerate() {
        let samples = history.samples(span);
        let windows = history.windows(span, &samples);
        for (j, &event) in span.frames.iter().enumerate() {
            for (n, sample) in samples.iter().enumerate().filter(|(_, sample)| sample.by == j) {
                answers[event].0.push(Decision::Sample(source(&samples[..n], sample)));
                let complete = windows
                    .iter()
                    .filter(|&&(first, taken)| taken as u64 == setup.frames && first + taken == n + 1);
                for window in complete {
                    answers[event].0.push(history.window(span, &samples, &windows, window, base));
                }
            }
            answers[event].1 = history.owner(span, &samples, j, base);
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
        if matches!(event, Event::End { .. }) && answer.0.is_empty() {
            answer.0.push(Decision::GridEnded(GridEnd { reset: None, last: None, until: None }));
        }
    }
    answers
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

    /// Nanoseconds that so many samples take.
    fn samples_last(&self, samples: f64) -> f64 {
        samples * 1e9 / self.setup.fps
    }

    /// How long the frame of an event lasts, as far as sampling goes.
    fn duration(&self, event: usize) -> u64 {
        self.time(event).duration.min((MOST_SAMPLES as f64 * 1e9 / self.setup.fps) as u64 / 2)
    }

    /// The frame before that lies on the same grid, unless something resets.
    fn before(&self, event: usize) -> Option<usize> {
        let ended = |event: &Event| matches!(event, Event::Flush | Event::End { .. });
        let since = self.events[..event].iter().rposition(ended).map_or(0, |at| at + 1);
        (since..event).rfind(|&at| matches!(self.events[at], Event::Frame(_)))
    }

    fn tolerance(&self, event: usize) -> u64 {
        let set = self.events[..event].iter().rev().find_map(|event| match event {
            Event::Tolerance(tolerance) => Some(*tolerance),
            _ => None,
        });
        set.unwrap_or(self.setup.gap_tolerance)
    }

    fn reset(&self, event: usize) -> Option<Reset> {
        let (last, now) = (self.time(self.before(event)?), self.time(event));
        let elapsed = i128::from(now.running_time) - i128::from(last.running_time);
        let two_frames = 2 * i128::from(self.duration(event));
        let most = i128::from((MOST_SAMPLES as f64 * 1e9 / self.setup.fps) as u64);
        let slack = two_frames.max(2 * i128::from((1e9 / self.setup.fps) as u64));
        let moved = last.stream_time.zip(now.stream_time).map(|(a, b)| i128::from(b) - i128::from(a));
        if elapsed < 0 {
            Some(Reset::Backwards)
        } else if elapsed > most || elapsed > two_frames && elapsed > i128::from(self.tolerance(event)) {
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
            let cut = |at: &usize| matches!(self.events[*at], Event::Flush | Event::End { .. });
            let end = (start..next).find(cut).or((next < self.events.len()).then_some(next));
            let frames = frames().filter(|&at| at >= start && at < end.unwrap_or(next)).collect();
            Span { frames, end }
        });
        spans.collect()
    }

    /// The samples of a grid, each looked up among all frames.
    fn samples(&self, span: &Span) -> Vec<Sample> {
        let origin = self.time(span.frames[0]).running_time;
        let sample = |n: u64| {
            let wanted = i128::from(origin) + (n as f64 * 1e9 / self.setup.fps).round() as i128;
            let half = |j: usize| i128::from(self.duration(span.frames[j]) / 2);
            let begin = |j: usize| i128::from(self.time(span.frames[j]).running_time);
            let by = (0..span.frames.len()).find(|&j| wanted <= begin(j) + half(j))?;
            if by == 0 || wanted >= begin(by) - half(by) {
                return Some(Sample { from: by, by });
            }
            let between = &self.events[span.frames[by - 1]..span.frames[by]];
            let changed = between.iter().any(|event| matches!(event, Event::Format));
            Some(Sample { from: if changed { by } else { by - 1 }, by })
        };
        (0..).map_while(sample).collect()
    }

    /// The windows of a grid: number of the first sample, and how many samples were taken.
    fn windows(&self, span: &Span, samples: &[Sample]) -> Vec<(usize, usize)> {
        let (frames, hop) = (self.setup.frames as usize, self.setup.hop as usize);
        let mut windows: Vec<_> = (0..)
            .map(|k| (k * hop, frames))
            .take_while(|(first, _)| first + frames <= samples.len())
            .collect();
        let covered = windows.last().map_or(0, |(first, _)| first + frames);
        if covered < samples.len()
            && span.end.is_some_and(|end| matches!(self.events[end], Event::End { pad: true }))
        {
            let first = windows.len() * hop;
            windows.push((first, samples.len() - first));
        }
        windows
    }

    fn moment(&self, span: &Span, sample: &Sample) -> Moment {
        let time = self.time(span.frames[sample.from]);
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
        let own: Vec<Moment> =
            samples[first..first + taken].iter().map(|sample| self.moment(span, sample)).collect();
        let k = windows.iter().position(|other| other == window).expect("a window of the grid");
        // A position of the grid, in the clock of the last of the window's frames before it, or the first.
        let origin = self.time(span.frames[0]).running_time;
        let at = |position: f64| {
            let running_time = origin.saturating_add(self.samples_last(position).round() as u64);
            let before = own.iter().rfind(|sample| sample.running_time <= running_time);
            let near = before.unwrap_or(&own[0]);
            let pts = i128::from(near.pts) + i128::from(running_time) - i128::from(near.running_time);
            Moment { pts: pts.clamp(0, u64::MAX.into()) as u64, running_time }
        };
        let end = first as f64 + (self.setup.frames + self.setup.hop) as f64 / 2.0;
        let padded = own.iter().chain(std::iter::repeat(&own[taken - 1])).take(self.setup.frames as usize);
        Decision::Window(Window {
            number: base + k as u64,
            samples: padded.copied().collect(),
            taken,
            owns_from: at(if k == 0 { 0.0 } else { end - self.setup.hop as f64 }),
            owns_to: at(end),
        })
    }

    /// The window that owns frame `j` of a grid.
    fn owner(&self, span: &Span, samples: &[Sample], j: usize, base: u64) -> Option<u64> {
        let (frames, hop) = (self.setup.frames as usize, self.setup.hop as usize);
        match self.setup.ownership {
            Ownership::Newest => {
                let decided = samples.iter().filter(|sample| sample.by <= j).count();
                (0..).take_while(|k| k * hop + frames <= decided).last().map(|k| base + k as u64)
            }
            Ownership::Central => {
                let origin = self.time(span.frames[0]).running_time;
                let ahead = self.time(span.frames[j]).running_time - origin;
                let position = ahead as f64 * self.setup.fps / 1e9;
                let end = |k: u64| (k * hop as u64) as f64 + (frames + hop) as f64 / 2.0;
                (0..).find(|&k| position < end(k)).map(|k| base + k)
            }
        }
    }

    /// What is told of the end of a grid; nothing where it was flushed away.
    fn grid_end(&self, span: &Span, windows: u64, base: u64) -> Option<GridEnd> {
        let end = span.end?;
        let reset = match &self.events[end] {
            Event::Flush => return None,
            Event::Frame(_) => self.reset(end),
            _ => None,
        };
        let last = span.frames.last().map(|&event| self.time(event));
        let until = last.map(|time| Moment {
            pts: time.pts.saturating_add(time.duration),
            running_time: time.running_time.saturating_add(time.duration),
        });
        Some(GridEnd { reset, last: windows.checked_sub(1).map(|k| base + k), until })
    }
}
