//! The element `artclassify`: recognises actions in windows of frames and writes them on the frames.
//!
//! Frames are sampled on a grid in running time at the model's own rate, windows of samples go through the
//! model, and the result of a window is attached to the frames it owns (see [`crate::meta`]). The video
//! itself passes untouched, without a copy.
//!
//! ```text
//! gst-launch-1.0 filesrc location=dive.mp4 ! decodebin ! videoconvert ! artclassify model=models/zoo/NAME \
//!   ! artoverlay ! videoconvert ! autovideosink
//! ```
//!
//! With `alignment=delay` frames wait `(frames + hop) / 2 - 1` samples plus the run of the model, which is what
//! a LATENCY query answers; with `alignment=hold` they do not wait for samples, and with `policy=drop` not for
//! the model either.
//!
//! A frame comes in through `sink`, which asks `intake` for its samples and windows and puts it in line in
//! `outlet`, whose rules are in `line`. From there it leaves by `task` once `pace` allows it.

mod announce;
mod choices;
pub mod convert;
mod imp;
mod intake;
pub mod interpret;
mod line;
mod load;
mod objects;
mod outlet;
mod pace;
mod pass;
mod queries;
mod references;
mod run;
mod sampling;
mod settings;
mod sink;
mod stats;
mod task;

#[cfg(feature = "mqtt")]
pub(crate) use settings::take;

use std::sync::LazyLock;

use gst::{glib, prelude::*};

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("artclassify", gst::DebugColorFlags::empty(), Some("Action classifier"))
});

glib::wrapper! {
    /// Recognises actions in windows of frames.
    pub struct ArtClassify(ObjectSubclass<imp::ArtClassify>) @extends gst::Element, gst::Object;
}

/// Registers the element.
pub fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "artclassify", gst::Rank::NONE, ArtClassify::static_type())
}
