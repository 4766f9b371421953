//! Sticky events that a flush finds on their way.

use gst::prelude::*;

/// Whether upstream does not send the event again after a flush.
pub fn outlasts_flush(event: &gst::EventRef) -> bool {
    let again = [gst::EventType::Segment, gst::EventType::StreamGroupDone, gst::EventType::Eos];
    event.is_sticky() && !again.contains(&event.type_())
}

/// Leaves the events that outlast a flush on a source pad, from which they go before what is pushed next.
pub fn store(pad: &gst::Pad, events: impl IntoIterator<Item = gst::Event>) {
    for event in events.into_iter().filter(|event| outlasts_flush(event)) {
        // Refused only by a pad that is being stopped.
        let _ = pad.store_sticky_event(&event);
    }
}
