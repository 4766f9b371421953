//! Asks git for the version that the plugin tells.

fn main() {
    gst_plugin_version_helper::info();
}
