//! What the application and a `splitmuxsink` behind the element are told of clips.

use gst::{prelude::*, subclass::prelude::*};

use super::{
    files::Files,
    imp::{ArtGate, lock},
};
use crate::{
    gate::{Clip, Counts},
    meta::{self, ClipState},
};

/// What a run has warned about.
#[derive(Debug, Default)]
pub(super) struct Warned {
    crowded: bool,
    short: bool,
}

impl ArtGate {
    /// The first frame of a clip is about to leave.
    pub(super) fn clip_starts(&self, pad: &gst::Pad, clip: Clip) {
        let files = Files::clone(&lock(&self.files));
        let files = files.or_find(pad);
        *lock(&self.files) = files.clone();
        files.start(&clip);
        self.post_clip(ClipState::Start, &clip);
        *lock(&self.playing) = Some(clip);
    }

    /// The last frame of a clip has left.
    pub(super) fn clip_stops(&self, clip: &Clip) {
        *lock(&self.playing) = None;
        self.post_clip(ClipState::Stop, clip);
    }

    fn post_clip(&self, state: ClipState, clip: &Clip) {
        let structure = meta::clip_structure(state, clip);
        let message = gst::message::Element::builder(structure).src(&*self.obj()).build();
        // Fails only where no application listens.
        let _ = self.obj().post_message(message);
    }

    /// Warns once of frames for which there was no room, and once of clips that lack frames.
    pub(super) fn warn(&self, counts: Counts, crowded_audio: u64) {
        let (crowded, short) = {
            let mut warned = lock(&self.warned);
            let crowded = counts.crowded + crowded_audio > 0;
            let short = counts.shortened + counts.lost > 0;
            (
                crowded && !std::mem::replace(&mut warned.crowded, crowded),
                short && !std::mem::replace(&mut warned.short, short),
            )
        };
        if crowded {
            let text = "found more to hold back than max-size-bytes and max-size-time have room for, expected less: raise \
                        them, lower pre-roll or max-lag, or have the encoder send keyframes more often; what is dropped \
                        is counted in stats as crowded";
            gst::element_imp_warning!(self, gst::ResourceError::NoSpaceLeft, ("{text}"));
        }
        if short {
            let text = "found an action whose frames, or some of them, were gone when it was told of, expected them to be \
                        held still: raise max-lag; such actions are counted in stats as shortened and lost";
            gst::element_imp_warning!(self, gst::StreamError::Failed, ("{text}"));
        }
    }

    /// The property `stats`.
    pub(super) fn stats(&self) -> gst::Structure {
        let counts = lock(&self.state).as_ref().map_or(*lock(&self.counts), |state| state.gate.counts());
        let Counts { clips, actions, shortened, lost, passed, dropped, crowded } = counts;
        gst::Structure::builder("artgate-stats")
            .field("clips", clips)
            .field("actions", actions)
            .field("shortened", shortened)
            .field("lost", lost)
            .field("passed", passed)
            .field("dropped", dropped)
            .field("crowded", crowded)
            .field("crowded-audio", self.crowded_audio())
            .build()
    }

    /// Buffers of audio for which there was no room.
    pub(super) fn crowded_audio(&self) -> u64 {
        lock(&self.beside).iter().map(|beside| beside.crowded()).sum()
    }
}
