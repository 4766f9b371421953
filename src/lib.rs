//! GStreamer plugin that recognises fine-grained actions in video with ART models.
//!
//! - [`artclassify`](artclassify) buffers windows of frames, runs the model and puts classes and tracklets on the frames.
//! - [`artoverlay`](artoverlay) draws them.
//! - [`artmetaenc`](artmetaenc) writes them down as JSON Lines, WebVTT or CSV.
//! - [`artgate`](artgate) cuts clips of them out of an encoded stream.
//! - `artpublish`, with the feature `mqtt`, sends them to an MQTT broker.
//!
//! The modules [`classification`], [`window`], [`action`], [`timeline`] and [`gate`] and the [`model`] manifest are pure:
//! they name no GStreamer type and take time as plain nanoseconds.

pub mod action;
pub mod artclassify;
pub mod artgate;
pub mod artmetaenc;
pub mod artoverlay;
#[cfg(feature = "mqtt")]
pub mod artpublish;
pub mod classification;
pub mod engine;
pub mod error;
pub mod gate;
pub mod meta;
pub mod model;
pub mod object;
pub mod runtime;
mod sticky;
pub mod timeline;
pub mod window;
pub mod wording;

use gst::glib;

fn plugin_init(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    meta::register();
    artclassify::register(plugin)?;
    artoverlay::register(plugin)?;
    artmetaenc::register(plugin)?;
    artgate::register(plugin)?;
    #[cfg(feature = "mqtt")]
    artpublish::register(plugin)?;
    Ok(())
}

#[allow(missing_docs)]
mod plugin {
    use super::*;

    gst::plugin_define!(
        artclassify,
        env!("CARGO_PKG_DESCRIPTION"),
        plugin_init,
        concat!(env!("CARGO_PKG_VERSION"), "-", env!("COMMIT_ID")),
        "MIT/X11",
        env!("CARGO_PKG_NAME"),
        env!("CARGO_PKG_NAME"),
        env!("CARGO_PKG_NAME"),
        env!("BUILD_REL_DATE")
    );
}

pub use plugin::plugin_register_static;
