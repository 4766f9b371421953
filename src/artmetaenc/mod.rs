//! The element `artmetaenc`: writes results and actions down as JSON Lines, WebVTT or CSV.
//!
//! JSON Lines (`application/jsonl`, <https://jsonlines.org>) are one object a window and one where an action starts or
//! stops; `docs/events.schema.json` is their JSON Schema. WebVTT is a file (`application/x-subtitle-vtt`) or, for muxers,
//! the same cues as plain text (`text/x-raw`). `docs/metadata.md` describes each format. The video itself is not touched
//! and not passed on, so the element stands behind a `tee`:
//!
//! ```text
//! gst-launch-1.0 filesrc location=dive.mp4 ! decodebin ! videoconvert ! artclassify model=MODEL &
//!   t. ! queue ! artoverlay ! videoconvert ! autovideosink  t. ! queue ! artmetaenc ! filesink location=events.jsonl
//! ```
//!
//! Each line, row or cue is one buffer. A frame that brings none is sent on as a GAP event, so a sink behind the element prerolls with the first frame.

mod caps;
mod clock;
mod csv;
mod cue;
mod imp;
mod jsonl;
mod record;
mod settings;
mod stream;
mod utc;
mod webvtt;
mod writer;

#[cfg(feature = "mqtt")]
pub(crate) use imp::frame_size;
pub use settings::{Cues, Format};
#[cfg(feature = "mqtt")]
pub(crate) use {
    record::Piece,
    stream::Stream,
    writer::{WriteError, Writer},
};

use gst::glib;
use gst::prelude::*;

glib::wrapper! {
    /// Writes results and actions down as JSON Lines, WebVTT or CSV.
    pub struct ArtMetaEnc(ObjectSubclass<imp::ArtMetaEnc>) @extends gst::Element, gst::Object;
}

/// Registers the element.
pub fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "artmetaenc", gst::Rank::NONE, ArtMetaEnc::static_type())
}
