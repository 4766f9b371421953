//! The metadata written on buffers, messages and in-band events.
//!
//! `docs/metadata.md` tells every field: type, unit, who writes it, who reads it and what survives a copy.

mod absolute;
mod action;
#[cfg(feature = "v1_24")]
mod analytics;
mod clip;
pub mod fields;
mod frame;
mod model;
mod object;
mod roi;

pub use action::{ActionRecord, action_structure, read_action};
pub use clip::{ClipState, clip_structure};
pub use frame::{
    FrameObject, FrameResult, FrameSize, FrameTracklet, read, read_all, read_window, window_structure, write,
};
pub use model::model_structure;
pub use object::{MarkedObject, objects};

/// Registers the custom metas; called once when the plugin is loaded.
///
/// The meta has no tags: filters, scalers and encoders take an untagged meta for independent of memory, size and
/// colour and keep it. It therefore states the frame size its boxes belong to.
pub fn register() {
    if !gst::meta::CustomMeta::is_registered(fields::ACTION_META) {
        gst::meta::CustomMeta::register(fields::ACTION_META, &[]);
    }
}
