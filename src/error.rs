//! The one error type of the plugin and its one mapping to GStreamer.
