//! Which frames of an encoded stream belong to a clip of actions: pure, in nanoseconds of running time.
//!
//! Frames that nobody has decided on stand in line as groups of pictures (a keyframe and what depends on it). An action is
//! told of after it began, so the line reaches back as far as an action may that is still to be told of. Each frame
//! leaves the line in one of two ways, in order: it passes, as part of a clip, or it is dropped.

mod action;
mod clip;
mod filter;
mod follow;
mod line;
mod passage;
#[cfg(test)]
mod tests;

pub use action::Told;
pub use clip::{Clip, ClipAction};
pub use filter::Filter;
pub use follow::{Ahead, Follow};
pub use line::Frame;
pub use passage::{Counts, Gate, Step};

/// When it is decided whether an action passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Moment {
    /// When its clip is complete.
    #[default]
    Stop,
    /// As soon as it is told of. Its clip begins to leave when no other action can be told of that began before.
    Start,
}

/// How clips are cut.
#[derive(Debug, Clone, PartialEq)]
pub struct GateSettings {
    /// What passes before an action, in nanoseconds.
    pub pre_roll: u64,
    /// What passes behind an action, in nanoseconds.
    pub post_roll: u64,
    /// How long after its start an action is told of at most, in nanoseconds.
    pub max_lag: u64,
    /// Frames are held for so long at most, in nanoseconds.
    pub max_time: u64,
    /// Held frames take so many bytes at most, and one frame more.
    pub max_bytes: u64,
    /// When it is decided.
    pub decide: Moment,
    /// Which actions pass.
    pub filter: Filter,
}
