//! The element `artoverlay`: draws what `artclassify` found.
//!
//! The class with its score and a running action stand on a plate, each tracklet has a box in a colour of its own, its
//! id and a short trail. Where downstream composes overlays itself (`meta:GstVideoOverlayComposition`) the drawing is
//! attached, elsewhere it is blended into the picture, in any raw format that GStreamer can blend. Frames without a
//! result pass untouched.
//!
//! ```text
//! gst-launch-1.0 filesrc location=dive.mp4 ! decodebin ! videoconvert ! artclassify model=MODEL ! artoverlay ! \
//!   videoconvert ! autovideosink
//! ```

mod banner;
mod boxes;
mod caps;
mod imp;
mod paint;
mod palette;
mod pixels;
mod scene;
mod settings;
mod trails;

pub use settings::BannerPosition;

use gst::glib;
use gst::prelude::*;

glib::wrapper! {
    /// Draws classes, regions and actions on video.
    pub struct ArtOverlay(ObjectSubclass<imp::ArtOverlay>) @extends gst::Element, gst::Object;
}

/// Registers the element.
pub fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    BannerPosition::static_type().mark_as_plugin_api(gst::PluginAPIFlags::empty());
    gst::Element::register(Some(plugin), "artoverlay", gst::Rank::NONE, ArtOverlay::static_type())
}
