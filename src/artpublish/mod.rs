//! The element `artpublish`: publishes actions and windows to an MQTT broker while the stream passes untouched.
//!
//! What it publishes are the objects that `artmetaenc` writes as JSON Lines. The streaming thread leaves them in the
//! `inbox`; `worker`, a thread of its own, takes them from there into a `delivery` line that is bounded and, with a
//! `spool` folder, outlives the process, and sends them through `client`, the one place that names the MQTT library.
//!
//! ```text
//! gst-launch-1.0 filesrc location=dive.mp4 ! decodebin ! artclassify model=models/zoo/NAME \
//!   ! artpublish broker=mqtt://localhost ! artoverlay ! videoconvert ! autovideosink
//! ```

mod choices;
mod client;
mod delivery;
mod imp;
mod inbox;
mod options;
mod publisher;
mod settings;
mod spool;
#[cfg(test)]
mod tests;
mod tls;
mod topic;
mod worker;

use std::sync::LazyLock;

use gst::{glib, prelude::*};

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("artpublish", gst::DebugColorFlags::empty(), Some("Results for MQTT brokers"))
});

glib::wrapper! {
    /// Publishes actions and windows to an MQTT broker.
    pub struct ArtPublish(ObjectSubclass<imp::ArtPublish>) @extends gst::Element, gst::Object;
}

/// Registers the element.
pub fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "artpublish", gst::Rank::NONE, ArtPublish::static_type())
}
