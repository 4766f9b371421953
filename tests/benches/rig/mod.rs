//! An element between two pads, for frames to be pushed through.

#![allow(dead_code)] // Each bench uses a part of it.

use gst::prelude::*;

/// An element between two pads, or the pads alone.
pub struct Rig {
    element: Option<gst::Element>,
    src: gst::Pad,
    _sink: gst::Pad,
}

impl Rig {
    /// Starts the elements of a launch line for frames of `info`; `leave` is called with each frame that leaves.
    pub fn new(
        line: Option<&str>,
        info: &gst_video::VideoInfo,
        leave: impl Fn(gst::Buffer) + Send + Sync + 'static,
    ) -> Self {
        let element = line.map(|line| gst::parse::launch(line).expect("a launch line"));
        let src = gst::Pad::builder(gst::PadDirection::Src).name("src").build();
        let any = gst::Caps::new_any();
        let template = gst::PadTemplate::new("sink", gst::PadDirection::Sink, gst::PadPresence::Always, &any);
        let sink = gst::Pad::builder_from_template(&template.expect("a template"))
            .chain_function(move |_, _, buffer| {
                leave(buffer);
                Ok(gst::FlowSuccess::Ok)
            })
            .event_function(|_, _, _| true)
            .build();
        if let Some(element) = &element {
            let pad = |name| element.static_pad(name).expect("an element with two pads");
            src.link(&pad("sink")).expect("a pad that links");
            pad("src").link(&sink).expect("a pad that links");
        } else {
            src.link(&sink).expect("a pad that links");
        }
        src.set_active(true).expect("a pad that starts");
        sink.set_active(true).expect("a pad that starts");
        if let Some(element) = &element {
            element.set_state(gst::State::Playing).expect("an element that starts");
        }
        src.push_event(gst::event::StreamStart::new("bench"));
        src.push_event(gst::event::Caps::new(&info.to_caps().expect("caps")));
        src.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
        Self { element, src, _sink: sink }
    }

    /// Pushes a frame.
    pub fn push(&self, buffer: gst::Buffer) {
        self.src.push(buffer).expect("a frame that passes");
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        // Nothing is left to do where it fails.
        let _ = self.src.set_active(false);
        let _ = self.element.as_ref().map(|element| element.set_state(gst::State::Null));
    }
}

/// Starts GStreamer with the plugin in it.
pub fn init() {
    gst::init().expect("GStreamer starts");
    gstartclassify::plugin_register_static().expect("the plugin registers");
}
