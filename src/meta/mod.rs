//! The metadata written on buffers, messages and in-band events.

/// Registers the custom metas; called once when the plugin is loaded.
pub fn register() {}
