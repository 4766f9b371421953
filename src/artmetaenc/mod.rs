//! The element `artmetaenc`: writes results and actions down as JSON Lines.
//!
//! Its output are lines of JSON (`application/jsonl`, <https://jsonlines.org>), one object a window and one where an
//! action starts or stops; `docs/events.schema.json` is their JSON Schema. The video itself is not touched and
//! not passed on, so the element stands behind a `tee`:
//!
//! ```text
//! gst-launch-1.0 filesrc location=dive.mp4 ! decodebin ! videoconvert ! artclassify model=MODEL &
//!   t. ! queue ! artoverlay ! videoconvert ! autovideosink  t. ! queue ! artmetaenc ! filesink location=events.jsonl
//! ```
//!
//! A frame that brings no line is sent on as a GAP event, so a sink behind the element prerolls with the first frame.

mod imp;
mod record;
mod utc;

use gst::glib;
use gst::prelude::*;

glib::wrapper! {
    /// Writes results and actions down as JSON Lines.
    pub struct ArtMetaEnc(ObjectSubclass<imp::ArtMetaEnc>) @extends gst::Element, gst::Object;
}

/// Registers the element.
pub fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "artmetaenc", gst::Rank::NONE, ArtMetaEnc::static_type())
}
