//! `artclassify-action`: the structure of action messages on the bus and of action events in the stream.

use std::sync::Arc;

use super::absolute::{self, Names};
use super::fields;
use super::frame::{gint, read_class};
use crate::action::{ActionEvent, ActionState, Dated, Moment};

/// An action event and the model that it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct ActionRecord {
    /// What happened.
    pub event: ActionEvent,
    /// Name of the model.
    pub model: Arc<str>,
}

/// The structure that carries `event`.
#[must_use]
pub fn action_structure(event: &ActionEvent, model: &str) -> gst::Structure {
    let mut s = gst::Structure::builder(fields::ACTION)
        .field(fields::STATE, event.state.as_str())
        .field(fields::NUMBER, event.action)
        .field(fields::LABEL, &*event.class.label)
        .field(fields::LABEL_ID, gint(event.class.label_id))
        .field(fields::SCORE, f64::from(event.class.score))
        .field(fields::START, event.start.moment.pts)
        .field(fields::START_RUNNING_TIME, event.start.moment.running_time)
        .field(fields::MODEL, model)
        .build();
    if let Some(object) = event.object {
        s.set(fields::OBJECT, object);
    }
    absolute::write(&mut s, &absolute::START, event.start.absolute);
    if let Some(end) = event.end {
        s.set(fields::END, end.moment.pts);
        s.set(fields::END_RUNNING_TIME, end.moment.running_time);
        absolute::write(&mut s, &absolute::END, end.absolute);
    }
    s
}

/// Reads such a structure; `None` when it is another one or a required field is missing.
#[must_use]
pub fn read_action(s: &gst::StructureRef) -> Option<ActionRecord> {
    if s.name() != fields::ACTION {
        return None;
    }
    let moment = |pts, running_time, names: &Names| {
        let moment = Moment { pts: s.get(pts).ok()?, running_time: s.get(running_time).ok()? };
        Some(Dated { moment, absolute: absolute::read(s, names) })
    };
    let event = ActionEvent {
        state: read_state(s.get(fields::STATE).ok()?)?,
        action: s.get(fields::NUMBER).ok()?,
        object: s.get(fields::OBJECT).ok(),
        class: read_class(s)?,
        start: moment(fields::START, fields::START_RUNNING_TIME, &absolute::START)?,
        end: moment(fields::END, fields::END_RUNNING_TIME, &absolute::END),
    };
    Some(ActionRecord { event, model: s.get::<&str>(fields::MODEL).ok()?.into() })
}

fn read_state(word: &str) -> Option<ActionState> {
    [ActionState::Start, ActionState::Update, ActionState::Stop]
        .into_iter()
        .find(|state| state.as_str() == word)
}
