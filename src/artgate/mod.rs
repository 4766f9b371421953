//! The element `artgate`: of an encoded stream it lets the actions pass, each with what was shown around it.
//!
//! It stands behind an encoder or parser and goes by the events that `artclassify` sent along with the frames, and by
//! buffer flags alone, so by no codec. A `splitmuxsink` behind it writes a file a clip, named by time and label:
//!
//! ```text
//! gst-launch-1.0 filesrc location=dive.mp4 ! decodebin ! artclassify model=MODEL ! videoconvert ! x264enc ! h264parse &
//!   ! artgate pre-roll=3000000000 ! splitmuxsink muxer=mp4mux location=clips/%05d.mp4
//! ```
//!
//! Which frames pass is decided by [`gate`](crate::gate). Audio beside the video goes through pads of its own,
//! `audio_0` to `audio_src_0`, and passes where the video does.

mod beside;
mod files;
mod imp;
mod lane;
mod outbox;
mod settings;
mod tell;
mod track;

use std::sync::LazyLock;

pub use settings::Decide;

use gst::glib;
use gst::prelude::*;

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("artgate", gst::DebugColorFlags::empty(), Some("Clips of actions"))
});

glib::wrapper! {
    /// Lets the actions of an encoded stream pass.
    pub struct ArtGate(ObjectSubclass<imp::ArtGate>) @extends gst::Element, gst::Object;
}

/// Registers the element.
pub fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "artgate", gst::Rank::NONE, ArtGate::static_type())
}
