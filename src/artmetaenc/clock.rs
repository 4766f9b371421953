//! The time of results in the stream that brings them.

/// From what difference on the times of frames were moved by an encoder, and not by what fits frames to a rate: x264enc
/// adds 1000 hours, videorate less than a frame. In nanoseconds.
const MOVED: u64 = 1_000_000_000;

/// Tells running time and PTS of what was found, where the stream may be encoded since.
#[derive(Debug, Default)]
pub struct Clock {
    /// What tells the running time of the frames, where they have times.
    segment: Option<gst::FormattedSegment<gst::ClockTime>>,
    /// What encoders added to the PTS of frames, in nanoseconds.
    moved: i64,
}

impl Clock {
    /// The frames have another way to tell running time from now on.
    pub fn set_segment(&mut self, segment: Option<gst::FormattedSegment<gst::ClockTime>>) {
        self.segment = segment;
    }

    /// Learns from a frame that had the PTS `classified` and has `pts` here, in nanoseconds.
    pub fn learn(&mut self, classified: u64, pts: u64) {
        let moved = pts.wrapping_sub(classified).cast_signed();
        if moved.abs_diff(self.moved) >= MOVED {
            self.moved = moved;
        }
    }

    /// The running time of a frame that had this PTS, or that PTS itself where there is none; never negative. All in
    /// nanoseconds.
    pub fn running_time(&self, classified: u64) -> u64 {
        let Some(segment) = &self.segment else { return classified };
        let pts = gst::ClockTime::from_nseconds(classified.saturating_add_signed(self.moved));
        match segment.to_running_time_full(pts) {
            Some(gst::Signed::Positive(time)) => time.nseconds(),
            Some(gst::Signed::Negative(_)) => 0,
            None => classified,
        }
    }

    /// PTS and duration of a buffer that stands for the running times from `start` to `end`, all in nanoseconds. They lie in
    /// the segment: sinks would drop what does not, and be it the end of an action at the end of a file.
    pub fn place(&self, start: u64, end: Option<u64>) -> (u64, Option<u64>) {
        let (start, end) = (self.position(start), end.map(|end| self.position(end)));
        // Backwards, what comes later shows earlier.
        let first = end.map_or(start, |end| end.min(start));
        (first, end.map(|end| end.abs_diff(start)))
    }

    /// The PTS at a running time, in the segment.
    fn position(&self, running_time: u64) -> u64 {
        let Some(segment) = &self.segment else { return running_time };
        let first = segment.start().unwrap_or_default().nseconds();
        let last = segment.stop().map_or(u64::MAX - 1, |stop| stop.nseconds().saturating_sub(1)).max(first);
        let time = gst::ClockTime::from_nseconds(running_time);
        match segment.position_from_running_time_full(time) {
            Some(gst::Signed::Positive(position)) => position.nseconds().clamp(first, last),
            Some(gst::Signed::Negative(_)) => first,
            None => running_time.clamp(first, last),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    fn segment(start: u64, stop: Option<u64>, base: u64, rate: f64) -> Clock {
        gst::init().unwrap();
        let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
        segment.set_rate(rate);
        segment.set_start(start * gst::ClockTime::SECOND);
        segment.set_stop(stop.map(|stop| stop * gst::ClockTime::SECOND));
        segment.set_base(base * gst::ClockTime::SECOND);
        Clock { segment: Some(segment), moved: 0 }
    }

    #[test]
    fn what_lies_in_the_segment_keeps_its_pts() {
        let clock = segment(5, Some(20), 3, 1.0);
        assert_eq!((clock.running_time(6 * S), clock.running_time(9 * S)), (4 * S, 7 * S));
        assert_eq!(clock.place(4 * S, Some(7 * S)), (6 * S, Some(3 * S)));
        assert_eq!(clock.place(4 * S, None), (6 * S, None));
        assert_eq!(Clock::default().place(4 * S, Some(7 * S)), (4 * S, Some(3 * S)));
    }

    #[test]
    fn what_lies_outside_is_brought_into_the_segment() {
        let clock = segment(5, Some(20), 3, 1.0);
        assert_eq!(clock.running_time(0), 0);
        assert_eq!(clock.place(S, Some(2 * S)), (5 * S, Some(0)));
        assert_eq!(clock.place(S, Some(4 * S)), (5 * S, Some(S)));
        assert_eq!(clock.place(18 * S, None), (20 * S - 1, None));
        assert_eq!(clock.place(17 * S, Some(30 * S)), (19 * S, Some(S - 1)));
    }

    #[test]
    fn rates_and_directions_are_those_of_the_segment() {
        let double = segment(0, None, 0, 2.0);
        assert_eq!(double.running_time(4 * S), 2 * S);
        assert_eq!(double.place(2 * S, Some(3 * S)), (4 * S, Some(2 * S)));
        let back = segment(0, Some(10), 0, -1.0);
        assert_eq!((back.running_time(8 * S), back.running_time(6 * S)), (2 * S, 4 * S));
        assert_eq!(back.place(2 * S, Some(4 * S)), (6 * S, Some(2 * S)));
    }

    #[test]
    fn an_encoder_may_move_all_times() {
        let hours = 3_600_000 * S;
        let mut clock = segment(3_600_000, None, 0, 1.0);
        clock.learn(2 * S, 2 * S + hours);
        clock.learn(3 * S, 3 * S + hours + 16_000_000);
        assert_eq!(clock.running_time(2 * S), 2 * S);
        assert_eq!(clock.place(2 * S, Some(3 * S)), (2 * S + hours, Some(S)));
        clock.learn(4 * S, 4 * S);
        assert_eq!(clock.moved, 0);
    }
}
