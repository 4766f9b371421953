//! A sink pad, its source pad, and the task that pushes.

use gst::{glib, prelude::*, subclass::prelude::*};

use super::{
    CAT,
    imp::ArtGate,
    outbox::{Item, Outbox},
};
use crate::error;

/// A stream on its way through the element.
pub struct Lane {
    /// Where it comes in.
    pub sink: gst::Pad,
    /// Where it leaves.
    pub src: gst::Pad,
    /// What is decided.
    pub outbox: Outbox,
}

impl Lane {
    /// A lane between new pads of these templates and names.
    pub fn new(templates: (&gst::PadTemplate, &gst::PadTemplate), names: (&str, &str)) -> Self {
        let sink = gst::Pad::builder_from_template(templates.0)
            .name(names.0)
            .flags(gst::PadFlags::PROXY_CAPS)
            .chain_function(|pad, parent, buffer| {
                ArtGate::catch_panic_pad_function(
                    parent,
                    || Err(gst::FlowError::Error),
                    |imp| imp.chain(pad, buffer),
                )
            })
            .event_function(|pad, parent, event| {
                ArtGate::catch_panic_pad_function(parent, || false, |imp| imp.sink_event(pad, event))
            })
            .query_function(|pad, parent, query| {
                ArtGate::catch_panic_pad_function(parent, || false, |imp| imp.sink_query(pad, query))
            })
            .iterate_internal_links_function(other_side)
            .build();
        let src = gst::Pad::builder_from_template(templates.1)
            .name(names.1)
            .flags(gst::PadFlags::PROXY_CAPS)
            .query_function(|pad, parent, query| {
                ArtGate::catch_panic_pad_function(parent, || false, |imp| imp.src_query(pad, query))
            })
            .activatemode_function(|pad, parent, mode, active| {
                ArtGate::catch_panic_pad_function(
                    parent,
                    || Err(gst::loggable_error!(CAT, "panicked while the pad was activated")),
                    |imp| imp.activate(pad, mode, active),
                )
            })
            .iterate_internal_links_function(other_side)
            .build();
        Self { sink, src, outbox: Outbox::default() }
    }
}

/// The pad at the other end of a pad's lane.
fn other_side(pad: &gst::Pad, parent: Option<&gst::Object>) -> gst::Iterator<gst::Pad> {
    let element = parent.and_then(|parent| parent.downcast_ref::<super::ArtGate>());
    let lane = element.and_then(|element| element.imp().lane(pad));
    let other = lane.map(|lane| if lane.sink == *pad { lane.src.clone() } else { lane.sink.clone() });
    gst::Iterator::from_vec(other.into_iter().collect())
}

impl ArtGate {
    /// Opens or closes a source pad.
    fn activate(&self, pad: &gst::Pad, mode: gst::PadMode, active: bool) -> Result<(), gst::LoggableError> {
        if mode != gst::PadMode::Push {
            return Err(gst::loggable_error!(CAT, "only frames that are pushed can be held back"));
        }
        let Some(lane) = self.lane(pad) else {
            return Err(gst::loggable_error!(CAT, "a pad without its other side"));
        };
        if active {
            lane.outbox.open();
            self.start_task(pad)
        } else {
            lane.outbox.close();
            pad.stop_task().map_err(Into::into)
        }
    }

    /// Starts the task of a source pad, or lets it go on.
    pub(super) fn start_task(&self, pad: &gst::Pad) -> Result<(), gst::LoggableError> {
        let (element, weak) = (self.obj().downgrade(), pad.downgrade());
        let task = move || {
            if let (Some(element), Some(pad)) = (element.upgrade(), weak.upgrade()) {
                element.imp().turn(&pad);
            }
        };
        pad.start_task(task).map_err(Into::into)
    }

    /// One turn of a source pad's task: pushes the next item.
    fn turn(&self, pad: &gst::Pad) {
        let lane = self.lane(pad);
        let item = lane.as_ref().and_then(|lane| lane.outbox.next());
        let (Some(lane), Some(item)) = (lane, item) else {
            // The pad is being stopped where this fails.
            let _ = pad.pause_task();
            return;
        };
        match item {
            Item::Start(clip) => self.clip_starts(pad, clip),
            Item::Stop(clip) => self.clip_stops(&clip),
            Item::Event(event) => {
                if !pad.push_event(event.clone()) {
                    lane.outbox.put_back(event);
                }
            }
            Item::Buffer(buffer) => {
                if let Err(flow) = pad.push(buffer) {
                    gst::debug!(CAT, obj = pad, "downstream answered {flow:?}");
                    lane.outbox.fail(flow);
                    error::of_flow(flow).into_iter().for_each(|message| self.post_error_message(message));
                }
            }
        }
    }
}

/// Marks a buffer as the first after others that are missing.
pub fn mark_discont(buffer: &mut gst::Buffer) {
    buffer.make_mut().set_flags(gst::BufferFlags::DISCONT);
}

/// The name of the source pad that belongs to an audio sink pad.
pub fn src_name(sink: &str) -> Option<String> {
    let number: u32 = sink.strip_prefix("audio_")?.parse().ok()?;
    Some(format!("audio_src_{number}"))
}

/// The pad templates: sink, src, and those of audio beside.
pub fn templates() -> Result<Vec<gst::PadTemplate>, glib::BoolError> {
    let any = gst::Caps::new_any();
    let template = |name, direction, presence| gst::PadTemplate::new(name, direction, presence, &any);
    Ok(vec![
        template("sink", gst::PadDirection::Sink, gst::PadPresence::Always)?,
        template("src", gst::PadDirection::Src, gst::PadPresence::Always)?,
        template("audio_%u", gst::PadDirection::Sink, gst::PadPresence::Request)?,
        template("audio_src_%u", gst::PadDirection::Src, gst::PadPresence::Sometimes)?,
    ])
}
