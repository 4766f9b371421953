//! The sample grid: which frame is on screen at each sample time, and when the grid starts anew.

/// Nanoseconds in a second.
const SECOND: f64 = 1e9;

/// A frame stands for no more samples than this, however long it lasts and whatever the gap tolerance is:
/// what one frame costs has a bound.
pub const MOST_SAMPLES: u64 = 8192;

/// The times of one frame, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameTime {
    /// Presentation time stamp.
    pub pts: u64,
    /// Running time of the PTS.
    pub running_time: u64,
    /// Position in the stream, where the segment tells it: stream time over the rate, so that it passes as fast as
    /// running time.
    pub stream_time: Option<u64>,
    /// How long a frame of this stream lasts: from the caps, the buffer, or the last two frames.
    pub duration: u64,
    /// The buffer says that it does not follow its predecessor (DISCONT).
    pub discont: bool,
}

/// What a grid needs to know.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GridSettings {
    /// Sample rate, in Hz; above 0.
    pub fps: f64,
    /// A gap between frames longer than this starts a new grid, in nanoseconds. Never less than two frames,
    /// never more than [`MOST_SAMPLES`].
    pub gap_tolerance: u64,
}

/// Why a grid was started anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// Time went backwards.
    Backwards,
    /// No frame came for longer than the tolerance of [`GridSettings`].
    Gap,
    /// The buffer was marked as a discontinuity and time jumped with it, by more than two frames and more
    /// than two samples.
    Discontinuity,
    /// The position in the stream jumped although the running time goes on (a segment seek, a new file), by
    /// more than two frames and more than two samples.
    Jump,
}

/// Which frame a sample is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampled {
    /// From the frame before the one just pushed.
    Previous,
    /// From the frame just pushed.
    Current,
}

/// What a pushed frame brought about. Samples come after the reset, in order of their numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The grid was started anew at this frame.
    pub reset: Option<Reset>,
    /// Number of the first sample in `samples`.
    pub first: u64,
    /// The samples decided by this frame: numbers `first`, `first + 1`, ...
    pub samples: Vec<Sampled>,
}

/// The sample grid of one stream.
///
/// A sample at `s_n` is the first frame that begins at `s_n` or later, less half a frame, if it begins
/// no later than half a frame after `s_n`; otherwise it is the last frame before. For a constant frame
/// rate that is the frame on screen at `s_n` with half a frame of tolerance, and no frame after it is
/// needed to decide.
#[derive(Debug, Clone)]
pub struct Grid {
    settings: GridSettings,
    state: Option<Running>,
}

#[derive(Debug, Clone)]
struct Running {
    origin: u64,
    next: u64,
    last: FrameTime,
}

impl Grid {
    /// A grid that starts at the first frame pushed.
    #[must_use]
    pub fn new(settings: GridSettings) -> Self {
        Self { settings, state: None }
    }

    /// Forgets everything: the next frame starts a new grid.
    pub fn clear(&mut self) {
        self.state = None;
    }

    /// Changes the gap tolerance, in nanoseconds.
    pub fn set_gap_tolerance(&mut self, tolerance: u64) {
        self.settings.gap_tolerance = tolerance;
    }

    /// Changes the sample rate, in Hz, between two grids.
    pub fn set_fps(&mut self, fps: f64) {
        self.settings.fps = fps;
    }

    /// No frame comes before the running time `until`: samples that only the last frame can be taken for are
    /// [`Sampled::Previous`], as long as the gap is tolerated. Those that a frame at `until` may serve are left to it.
    pub fn advance(&mut self, until: u64) -> Step {
        let (Some(until), Some(running)) = (self.tolerated(until), &self.state) else {
            return Step { reset: None, first: 0, samples: Vec::new() };
        };
        let (origin, first) = (running.origin, running.next);
        let end = until.saturating_sub(running.last.duration / 2);
        let count = (first..).take_while(|&n| self.sample_time(origin, n) < u128::from(end)).count();
        if let Some(running) = &mut self.state {
            running.next += count as u64;
        }
        Step { reset: None, first, samples: vec![Sampled::Previous; count] }
    }

    /// The running time `until`, or where the gap after the last frame grows longer than tolerated, if that is earlier;
    /// `None` before the first frame.
    #[must_use]
    pub fn tolerated(&self, until: u64) -> Option<u64> {
        let last = &self.state.as_ref()?.last;
        Some(until.min(last.running_time.saturating_add(self.tolerance(last.duration))))
    }

    /// The gap tolerance between frames that last so long.
    fn tolerance(&self, duration: u64) -> u64 {
        self.settings.gap_tolerance.max(duration.saturating_mul(2)).min(self.span(MOST_SAMPLES))
    }

    /// How many samples the running grid has decided.
    #[must_use]
    pub fn decided(&self) -> u64 {
        self.state.as_ref().map_or(0, |running| running.next)
    }

    /// Running time of sample `n` of a grid that starts at `origin`, in nanoseconds.
    fn sample_time(&self, origin: u64, n: u64) -> u128 {
        u128::from(origin) + (n as f64 * SECOND / self.settings.fps).round() as u128
    }

    /// The time that a number of samples takes, in nanoseconds.
    fn span(&self, samples: u64) -> u64 {
        (samples as f64 * SECOND / self.settings.fps) as u64
    }

    /// The running time of a position on the running grid, in nanoseconds; `None` before the first frame.
    #[must_use]
    pub fn running_time(&self, position: f64) -> Option<u64> {
        let after = (position * SECOND / self.settings.fps).round() as u64;
        self.state.as_ref().map(|running| running.origin.saturating_add(after))
    }

    /// The position of a running time on the running grid, in samples since its start; `None` before the
    /// first frame.
    #[must_use]
    pub fn position(&self, running_time: u64) -> Option<f64> {
        let running = self.state.as_ref()?;
        Some(running_time.saturating_sub(running.origin) as f64 * self.settings.fps / SECOND)
    }

    /// Takes the next frame.
    pub fn push(&mut self, frame: FrameTime) -> Step {
        let frame = FrameTime { duration: frame.duration.min(self.span(MOST_SAMPLES) / 2), ..frame };
        let reset = self.state.as_ref().and_then(|running| self.reason_to_reset(&running.last, &frame));
        if reset.is_some() {
            self.state = None;
        }
        let (origin, first, had_previous) = match &self.state {
            Some(running) => (running.origin, running.next, true),
            None => (frame.running_time, 0, false),
        };
        let half = u128::from(frame.duration / 2);
        let begin = u128::from(frame.running_time);
        let mut samples = Vec::new();
        let mut next = first;
        loop {
            let time = self.sample_time(origin, next);
            if time > begin + half {
                break;
            }
            let before = had_previous && time + half < begin;
            samples.push(if before { Sampled::Previous } else { Sampled::Current });
            next += 1;
        }
        self.state = Some(Running { origin, next, last: frame });
        Step { reset, first, samples }
    }

    fn reason_to_reset(&self, last: &FrameTime, frame: &FrameTime) -> Option<Reset> {
        let Some(elapsed) = frame.running_time.checked_sub(last.running_time) else {
            return Some(Reset::Backwards);
        };
        if elapsed > self.tolerance(frame.duration) {
            return Some(Reset::Gap);
        }
        let slack = frame.duration.saturating_mul(2).max(self.span(1).saturating_mul(2));
        if frame.discont && elapsed > slack {
            return Some(Reset::Discontinuity);
        }
        match (last.stream_time, frame.stream_time) {
            (Some(before), Some(now)) if before.saturating_add(elapsed).abs_diff(now) > slack => {
                Some(Reset::Jump)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: u64 = 1_000_000;

    fn frame(running_time: u64, duration: u64) -> FrameTime {
        FrameTime {
            pts: running_time,
            running_time,
            stream_time: Some(running_time),
            duration,
            discont: false,
        }
    }

    fn grid(fps: f64) -> Grid {
        Grid::new(GridSettings { fps, gap_tolerance: 2_000 * MS })
    }

    /// Running times of the frames that a constant-rate stream is sampled at.
    fn sampled_times(grid: &mut Grid, times: &[u64], duration: u64) -> Vec<u64> {
        let mut previous = 0;
        let mut out = Vec::new();
        for &time in times {
            for sample in grid.push(frame(time, duration)).samples {
                out.push(if sample == Sampled::Current { time } else { previous });
            }
            previous = time;
        }
        out
    }

    #[test]
    fn thirty_to_ten_takes_every_third_frame() {
        let times: Vec<u64> = (0..30).map(|i| i * 1_000_000_000 / 30).collect();
        let taken = sampled_times(&mut grid(10.0), &times, 33_333_333);
        let expected: Vec<u64> = times.iter().copied().step_by(3).collect();
        assert_eq!(taken, expected);
    }

    #[test]
    fn ntsc_rates_stay_within_half_a_frame_of_the_grid() {
        let duration = 1_001_000_000 / 60;
        let times: Vec<u64> = (0..6000).map(|i| i * 1_001_000_000 / 60).collect();
        let mut grid = grid(10.0);
        for (n, taken) in sampled_times(&mut grid, &times, duration).into_iter().enumerate() {
            let wanted = n as u64 * 100 * MS;
            assert!(taken.abs_diff(wanted) <= duration / 2 + 1, "sample {n}: {taken} against {wanted}");
        }
    }

    #[test]
    fn a_slow_source_repeats_frames() {
        let mut grid = grid(10.0);
        let taken = sampled_times(&mut grid, &[0, 1000 * MS, 2000 * MS], 1000 * MS);
        assert_eq!(taken.len(), 26);
        assert_eq!(taken[5], 0);
        assert_eq!(taken[6], 1000 * MS);
    }

    #[test]
    fn jumps_reset_and_say_why() {
        for (next, discont, stream_time, expected) in [
            (0, false, 0, Some(Reset::Backwards)),
            (9_000, false, 9_000, Some(Reset::Gap)),
            (1_500, true, 1_500, Some(Reset::Discontinuity)),
            (1_033, false, 60_000, Some(Reset::Jump)),
            (1_033, true, 1_033, None),
            (1_500, false, 1_500, None),
        ] {
            let mut grid = grid(10.0);
            grid.push(frame(1_000 * MS, 33 * MS));
            let mut second = frame(next * MS, 33 * MS);
            second.discont = discont;
            second.stream_time = Some(stream_time * MS);
            assert_eq!(grid.push(second).reset, expected, "next frame at {next} ms");
        }
    }

    #[test]
    fn one_frame_costs_a_bounded_number_of_samples() {
        for (fps, tolerance, second, duration) in [
            (1000.0, u64::MAX, u64::MAX - 1, 33 * MS),
            (60.0, u64::MAX, 100_000_000 * MS, u64::MAX - 1),
            (1e-300, 0, u64::MAX - 1, u64::MAX - 1),
            (1e-12, u64::MAX, 33 * MS, 33 * MS),
        ] {
            let mut grid = Grid::new(GridSettings { fps, gap_tolerance: tolerance });
            for time in [0, second] {
                let samples = grid.push(frame(time, duration)).samples.len() as u64;
                assert!(samples <= 2 * MOST_SAMPLES, "{samples} samples at {fps} a second");
            }
        }
    }

    #[test]
    fn a_reset_starts_again_at_sample_nought() {
        let mut grid = grid(10.0);
        grid.push(frame(0, 33 * MS));
        grid.push(frame(100 * MS, 33 * MS));
        let step = grid.push(frame(10_000 * MS, 33 * MS));
        assert_eq!(step, Step { reset: Some(Reset::Gap), first: 0, samples: vec![Sampled::Current] });
    }

    proptest! {
        /// The rule of the type's documentation, looked up in the whole list of frames.
        #[test]
        fn samples_equal_a_naive_search(
            steps in prop::collection::vec(1u64..400, 2..60),
            fps in 1.0f64..40.0,
            duration in 1u64..200,
        ) {
            let mut times = vec![1_000 * MS];
            for step in steps {
                times.push(times[times.len() - 1] + step * MS);
            }
            let duration = duration * MS;
            let half = duration / 2;
            let mut grid = grid(fps);
            let taken = sampled_times(&mut grid, &times, duration);
            prop_assert_eq!(grid.decided(), taken.len() as u64);
            for (n, &got) in taken.iter().enumerate() {
                let wanted = times[0] + (n as f64 * 1e9 / fps).round() as u64;
                let near = times.iter().copied().find(|&t| t + half >= wanted && t <= wanted + half);
                let before = times.iter().copied().rfind(|&t| t + half < wanted);
                let expected = near.or(before);
                prop_assert_eq!(Some(got), expected, "sample {} at {}", n, wanted);
            }
        }
    }
}
