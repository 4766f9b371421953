//! One event of an action, and the moments it names.

use crate::{classification::ClassScore, object::ObjectId, timeline::AbsoluteTime};

/// What happened to an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionState {
    /// The action began.
    Start,
    /// The action goes on and its best label changed.
    Update,
    /// The action ended; its label is final.
    Stop,
}

impl ActionState {
    /// The word that messages, events and JSON Lines carry.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Update => "update",
            Self::Stop => "stop",
        }
    }
}

/// A moment of the stream in both of its clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// Presentation time stamp, in nanoseconds.
    pub pts: u64,
    /// Running time, in nanoseconds.
    pub running_time: u64,
}

/// A moment of the stream, and when it was by clocks outside of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dated {
    /// The moment.
    pub moment: Moment,
    /// UTC and timecode, where the stream tells them.
    pub absolute: AbsoluteTime,
}

impl Dated {
    /// A moment of a stream that tells no absolute time.
    #[must_use]
    pub fn unknown(moment: Moment) -> Self {
        Self { moment, absolute: AbsoluteTime::default() }
    }
}

/// One event of an action.
#[derive(Debug, Clone, PartialEq)]
pub struct ActionEvent {
    /// What happened.
    pub state: ActionState,
    /// Number of the action since the stream started.
    pub action: u64,
    /// The object that acts, where objects have windows of their own.
    pub object: Option<ObjectId>,
    /// The best class of the action so far.
    pub class: ClassScore,
    /// When the action began.
    pub start: Dated,
    /// When it ended; only with [`ActionState::Stop`].
    pub end: Option<Dated>,
}
