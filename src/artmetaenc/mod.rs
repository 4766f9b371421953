//! The element `artmetaenc`.

use gst::glib;

/// Registers the element.
pub fn register(_plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    Ok(())
}
