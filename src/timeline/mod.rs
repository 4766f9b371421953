//! When the moments of a stream were by clocks outside of it: in UTC and in timecode. Pure.
//!
//! Some frames of a stream bring references. A [`Track`] keeps the few that tell everything, and answers
//! for the moments between and shortly after them.

mod absolute;
mod track;

pub use absolute::{AbsoluteTime, Timecode, TimecodeError};
pub use track::{Reference, Track, Utc};
