//! What there is to write, and what is written of it, in any format.

use super::clock::Clock;
use super::utc::rfc3339;
use crate::meta::{ActionRecord, FrameResult};
use crate::timeline::AbsoluteTime;

/// One thing to write.
#[derive(Debug, Clone, Copy)]
pub enum Record<'a> {
    /// The result of a window, as a frame says it that had the PTS `pts` where it was classified, in nanoseconds.
    Window { result: &'a FrameResult, pts: u64 },
    /// What happened to an action.
    Action(&'a ActionRecord),
}

/// What leaves as one buffer: a whole line, row or cue. Times in nanoseconds of PTS of the stream that brought it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// What stands in the buffer.
    pub bytes: Vec<u8>,
    /// PTS of the buffer.
    pub pts: u64,
    /// Duration of the buffer, where it has one.
    pub duration: Option<u64>,
}

impl Piece {
    /// A line about `record`: a window's has the PTS and duration of the window, an action's the PTS of the moment
    /// that it tells of.
    pub fn line(record: Record<'_>, bytes: Vec<u8>, clock: &Clock) -> Self {
        let (start, end) = match record {
            Record::Window { result, .. } => {
                (clock.running_time(result.start), Some(clock.running_time(result.end)))
            }
            Record::Action(ActionRecord { event, .. }) => {
                (event.end.unwrap_or(event.start).moment.running_time, None)
            }
        };
        Self::over(start, end, bytes, clock)
    }

    /// What stands for the running times from `start` to `end`, in nanoseconds.
    pub fn over(start: u64, end: Option<u64>, bytes: Vec<u8>, clock: &Clock) -> Self {
        let (pts, duration) = clock.place(start, end);
        Self { bytes, pts, duration }
    }
}

/// A moment by clocks outside of the stream, as text.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Dates {
    /// UTC after RFC 3339, with nanoseconds.
    pub utc: Option<String>,
    /// Timecode.
    pub timecode: Option<String>,
}

impl From<AbsoluteTime> for Dates {
    fn from(AbsoluteTime { utc, timecode }: AbsoluteTime) -> Self {
        Self { utc: utc.and_then(rfc3339), timecode: timecode.map(|timecode| timecode.to_string()) }
    }
}

/// Six decimals: more than the scores of two runs agree in, and no digits of the conversion from `f32`.
pub fn rounded(value: f32) -> f64 {
    (f64::from(value) * 1e6).round() / 1e6
}
