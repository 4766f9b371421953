//! What is known of an action, and what it asks for.

use std::sync::Arc;

use super::{Filter, GateSettings, Moment};
use crate::object::ObjectId;

/// What the stream tells of an action. Times are running time, in nanoseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Name of the model that tells.
    pub model: Arc<str>,
    /// Number of the action among those of the model.
    pub action: u64,
    /// The object that acts.
    pub object: Option<ObjectId>,
    /// Best class so far; final once the action has stopped.
    pub label: String,
    /// Its score, 0..1.
    pub score: f32,
    /// When it began.
    pub start: u64,
    /// When it ended, once it has stopped.
    pub end: Option<u64>,
}

impl Told {
    /// Whether both tell of one action.
    pub(super) fn is_of(&self, other: &Self) -> bool {
        self.action == other.action && self.model == other.model
    }
}

/// What is decided on an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Its frames wait for what else is told.
    Open,
    /// As above, but its frames could not wait.
    Ignored,
    /// It belongs into a clip.
    Passes,
}

/// An action that has no clip yet, or whose clip is leaving.
#[derive(Debug, Clone)]
pub(super) struct Action {
    pub(super) told: Told,
    pub(super) verdict: Verdict,
    /// Whether the clip that is leaving counts it.
    pub(super) in_clip: bool,
}

impl Action {
    pub(super) fn new(told: Told) -> Self {
        Self { told, verdict: Verdict::Open, in_clip: false }
    }

    /// Where its clip is to begin.
    pub(super) fn from(&self, settings: &GateSettings) -> u64 {
        self.told.start.saturating_sub(settings.pre_roll)
    }

    /// Where its clip is to end; `None` while it goes on.
    pub(super) fn to(&self, settings: &GateSettings) -> Option<u64> {
        self.told.end.map(|end| end.max(self.told.start).saturating_add(settings.post_roll))
    }

    /// Takes what is known to be new. Says whether the action is of interest any longer.
    pub(super) fn learn(&mut self, told: Told, settings: &GateSettings) -> bool {
        self.told = told;
        if self.verdict != Verdict::Passes
            && (self.told.end.is_some() || settings.decide == Moment::Start)
            && self.is_let(&settings.filter)
        {
            self.verdict = Verdict::Passes;
        }
        self.verdict == Verdict::Passes || self.told.end.is_none()
    }

    /// Decides by what is known.
    pub(super) fn decide(&mut self, filter: &Filter) {
        if self.verdict == Verdict::Open {
            self.verdict = if self.is_let(filter) { Verdict::Passes } else { Verdict::Ignored };
        }
    }

    fn is_let(&self, filter: &Filter) -> bool {
        filter.lets(&self.told.label, self.told.score)
    }
}
