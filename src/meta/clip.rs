//! `artgate-clip`: the structure of the messages that tell of clips.

use super::fields;
use crate::gate::Clip;

/// What happened to a clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClipState {
    /// Its first frame leaves.
    Start,
    /// Its last frame has left.
    Stop,
}

/// The structure that tells of `clip`.
#[must_use]
pub fn clip_structure(state: ClipState, clip: &Clip) -> gst::Structure {
    let actions = clip.actions.iter();
    let mut s = gst::Structure::builder(fields::CLIP_MESSAGE)
        .field(fields::STATE, if state == ClipState::Start { "start" } else { "stop" })
        .field(fields::CLIP, clip.number)
        .field(fields::ACTIONS, gst::Array::new(actions.clone().map(|action| action.action)))
        .field(fields::LABELS, gst::Array::new(actions.clone().map(|action| action.label.as_str())))
        .field(fields::SCORES, gst::Array::new(actions.map(|action| f64::from(action.score))))
        .field(fields::START_RUNNING_TIME, clip.start)
        .build();
    if state == ClipState::Stop {
        s.set(fields::END_RUNNING_TIME, clip.end);
    }
    s
}
