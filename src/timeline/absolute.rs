//! A moment by clocks outside of the stream.

use std::{fmt, str::FromStr};

/// When a moment of the stream was, where the stream has references that tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct AbsoluteTime {
    /// UTC, in nanoseconds since 1970-01-01 without leap seconds.
    pub utc: Option<u64>,
    /// Timecode of the frame on screen.
    pub timecode: Option<Timecode>,
}

/// A SMPTE timecode. Its text is `HH:MM:SS:FF`, with `;` before the frames where it is drop-frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timecode {
    /// Hours, 0..24.
    pub hours: u32,
    /// Minutes, 0..60.
    pub minutes: u32,
    /// Seconds, 0..60.
    pub seconds: u32,
    /// Frames of the second, from 0.
    pub frames: u32,
    /// Whether numbers of frames are left out so that the timecode keeps up with the clock.
    pub drop_frame: bool,
}

impl fmt::Display for Timecode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { hours, minutes, seconds, frames, drop_frame } = self;
        let separator = if *drop_frame { ';' } else { ':' };
        write!(f, "{hours:02}:{minutes:02}:{seconds:02}{separator}{frames:02}")
    }
}

/// A text is no timecode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a timecode as HH:MM:SS:FF or HH:MM:SS;FF")]
pub struct TimecodeError;

impl FromStr for Timecode {
    type Err = TimecodeError;

    fn from_str(text: &str) -> Result<Self, TimecodeError> {
        let drop_frame = text.contains(';');
        let parts: Vec<u32> = text
            .split([':', ';'])
            .map(|part| part.parse().map_err(|_| TimecodeError))
            .collect::<Result<_, _>>()?;
        let &[hours, minutes, seconds, frames] = parts.as_slice() else { return Err(TimecodeError) };
        let timecode = Self { hours, minutes, seconds, frames, drop_frame };
        // What is written otherwise than it would be written here is something else.
        if timecode.to_string() == text { Ok(timecode) } else { Err(TimecodeError) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timecodes_read_back_from_their_text() {
        for (text, drop_frame) in [("10:20:28:09", false), ("23:59:59;29", true), ("00:00:00:119", false)] {
            let timecode: Timecode = text.parse().unwrap();
            assert_eq!((timecode.to_string().as_str(), timecode.drop_frame), (text, drop_frame));
        }
        let timecode = Timecode { hours: 1, minutes: 2, seconds: 3, frames: 4, drop_frame: true };
        assert_eq!("01:02:03;04".parse(), Ok(timecode));
    }

    #[test]
    fn other_texts_are_no_timecode() {
        for text in ["", "01:02:03", "01:02:03:04:05", "01:02:03:+4", "01:02:xx:04", "1:2:3:4", "01;02:03:04"]
        {
            assert_eq!(text.parse::<Timecode>(), Err(TimecodeError), "{text}");
        }
    }
}
