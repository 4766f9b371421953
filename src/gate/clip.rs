//! What is told of a clip.

use super::Told;

/// A stretch of frames that passes. Times are running time, in nanoseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Clip {
    /// Number of the clip since the stream started.
    pub number: u64,
    /// When its first frame, a keyframe, shows.
    pub start: u64,
    /// When its first frame is decoded: no later than it shows, and later than all frames before.
    pub decode: u64,
    /// When its last frame so far ends.
    pub end: u64,
    /// Its actions, in order of their start.
    pub actions: Vec<ClipAction>,
}

/// An action of a clip, as far as it is known.
pub type ClipAction = Told;

impl Clip {
    /// When its first action began; its own start where it has none.
    #[must_use]
    pub fn first_start(&self) -> u64 {
        self.actions.first().map_or(self.start, |action| action.start)
    }

    /// The labels of its actions, each once, in order.
    #[must_use]
    pub fn labels(&self) -> Vec<&str> {
        let mut labels: Vec<&str> = Vec::new();
        for action in &self.actions {
            if !labels.contains(&action.label.as_str()) {
                labels.push(&action.label);
            }
        }
        labels
    }
}
