//! Pads and events of `artmetaenc`.

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;

use super::record::{ActionLine, Line, WindowLine};
use crate::action::Dated;
use crate::meta::{self, FrameResult, FrameSize};

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("artmetaenc", gst::DebugColorFlags::empty(), Some("Results as JSON Lines"))
});

static SRC_CAPS: LazyLock<gst::Caps> = LazyLock::new(|| gst::Caps::new_empty_simple("application/jsonl"));

/// What is known of the stream.
#[derive(Debug, Default)]
struct State {
    /// Size of the frames, where the caps tell.
    size: Option<FrameSize>,
    /// Whether downstream has our caps.
    caps_sent: bool,
    /// The last window that was written.
    written: Option<u64>,
}

/// The element.
#[derive(Debug)]
pub struct ArtMetaEnc {
    sinkpad: gst::Pad,
    srcpad: gst::Pad,
    state: Mutex<State>,
}

impl ArtMetaEnc {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sink_chain(&self, pad: &gst::Pad, buffer: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        gst::trace!(CAT, obj = pad, "Handling {buffer:?}");
        match self.window_line(&buffer) {
            Some(line) => self.srcpad.push(line?),
            None => self.push_gap(&buffer),
        }
    }

    /// The line of the window that a frame carries, if none of that window was written yet.
    fn window_line(&self, buffer: &gst::BufferRef) -> Option<Result<gst::Buffer, gst::FlowError>> {
        let result = meta::read(buffer)?;
        let pts = buffer.pts().map_or(result.end, gst::ClockTime::nseconds);
        self.result_line(result, pts)
    }

    /// The line of a result on a frame that shows at `pts`, if none of its window was written yet.
    fn result_line(&self, mut result: FrameResult, pts: u64) -> Option<Result<gst::Buffer, gst::FlowError>> {
        {
            let mut state = self.state();
            if state.written.replace(result.window) == Some(result.window) {
                return None;
            }
            if let Some(size) = state.size {
                result = result.scaled_to(size);
            }
        }
        let duration = result.end.saturating_sub(result.start);
        Some(self.line_buffer(&Line::Window(WindowLine::new(&result, pts)), result.start, Some(duration)))
    }

    /// The line of an action, or of a window that no frame carries, that an event in the stream tells of.
    fn event_line(&self, structure: &gst::StructureRef) -> Option<Result<gst::Buffer, gst::FlowError>> {
        if let Some(result) = meta::read_window(structure) {
            let pts = result.end;
            return self.result_line(result, pts);
        }
        let record = meta::read_action(structure)?;
        let Dated { moment, .. } = record.event.end.unwrap_or(record.event.start);
        let line = Line::Action(ActionLine::new(&record)?);
        Some(self.line_buffer(&line, moment.pts, None))
    }

    fn line_buffer(
        &self,
        line: &Line<'_>,
        pts: u64,
        duration: Option<u64>,
    ) -> Result<gst::Buffer, gst::FlowError> {
        let bytes = line.to_bytes().map_err(|err| {
            gst::element_imp_error!(self, gst::StreamError::Encode, ("cannot write {line:?}: {err}"));
            gst::FlowError::Error
        })?;
        let mut buffer = gst::Buffer::from_slice(bytes);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(gst::ClockTime::from_nseconds(pts));
            buffer.set_duration(duration.map(gst::ClockTime::from_nseconds));
        }
        Ok(buffer)
    }

    /// Tells downstream that time goes on without a line.
    fn push_gap(&self, frame: &gst::BufferRef) -> Result<gst::FlowSuccess, gst::FlowError> {
        let Some(pts) = frame.pts() else { return Ok(gst::FlowSuccess::Ok) };
        let gap = gst::event::Gap::builder(pts).duration(frame.duration()).build();
        if self.srcpad.push_event(gap) { Ok(gst::FlowSuccess::Ok) } else { self.srcpad.last_flow_result() }
    }

    /// Sends our caps, which must stand before the segment.
    fn ensure_caps(&self) {
        let sent = std::mem::replace(&mut self.state().caps_sent, true);
        if !sent {
            self.srcpad.push_event(gst::event::Caps::new(&SRC_CAPS));
        }
    }

    fn sink_event(&self, pad: &gst::Pad, event: gst::Event) -> bool {
        gst::log!(CAT, obj = pad, "Handling {event:?}");
        match event.view() {
            gst::EventView::Caps(caps) => {
                self.state().size = caps.caps().structure(0).and_then(frame_size);
                self.ensure_caps();
                return true;
            }
            gst::EventView::Segment(_) => self.ensure_caps(),
            gst::EventView::StreamStart(_) => {
                let mut state = self.state();
                *state = State { size: state.size, ..State::default() };
            }
            gst::EventView::FlushStop(_) => self.state().written = None,
            gst::EventView::CustomDownstream(custom) => {
                if let Some(line) = custom.structure().and_then(|structure| self.event_line(structure))
                    && let Err(err) = line.and_then(|line| self.srcpad.push(line))
                {
                    gst::debug!(CAT, imp = self, "Action line not taken: {err}");
                }
            }
            _ => (),
        }
        gst::Pad::event_default(pad, Some(&*self.obj()), event)
    }

    fn sink_query(&self, pad: &gst::Pad, query: &mut gst::QueryRef) -> bool {
        match query.view_mut() {
            // Pixels are never looked at, so every way to lay them out is fine. Without this answer a tee would
            // refuse them to its other branches.
            gst::QueryViewMut::Allocation(query) => {
                query.add_allocation_meta::<gst_video::VideoMeta>(None);
                query.add_allocation_meta::<gst_video::VideoOverlayCompositionMeta>(None);
                true
            }
            _ => gst::Pad::query_default(pad, Some(&*self.obj()), query),
        }
    }
}

/// The frame size that the caps of raw or encoded video tell.
fn frame_size(s: &gst::StructureRef) -> Option<FrameSize> {
    let field = |name| u32::try_from(s.get::<i32>(name).ok()?).ok();
    Some(FrameSize { width: field("width")?, height: field("height")? })
}

#[glib::object_subclass]
impl ObjectSubclass for ArtMetaEnc {
    const NAME: &'static str = "GstArtMetaEnc";
    type Type = super::ArtMetaEnc;
    type ParentType = gst::Element;

    fn with_class(klass: &Self::Class) -> Self {
        let pad = |name| klass.pad_template(name).map(|template| gst::Pad::builder_from_template(&template));
        let (Some(sink), Some(src)) = (pad("sink"), pad("src")) else {
            unreachable!("both templates are declared below")
        };
        let sinkpad = sink
            .chain_function(|pad, parent, buffer| {
                Self::catch_panic_pad_function(
                    parent,
                    || Err(gst::FlowError::Error),
                    |imp| imp.sink_chain(pad, buffer),
                )
            })
            .event_function(|pad, parent, event| {
                Self::catch_panic_pad_function(parent, || false, |imp| imp.sink_event(pad, event))
            })
            .query_function(|pad, parent, query| {
                Self::catch_panic_pad_function(parent, || false, |imp| imp.sink_query(pad, query))
            })
            .build();
        Self { sinkpad, srcpad: src.build(), state: Mutex::default() }
    }
}

impl ObjectImpl for ArtMetaEnc {
    fn constructed(&self) {
        self.parent_constructed();
        let obj = self.obj();
        for pad in [&self.sinkpad, &self.srcpad] {
            if let Err(err) = obj.add_pad(pad) {
                gst::error!(CAT, imp = self, "{err}");
            }
        }
    }
}

impl GstObjectImpl for ArtMetaEnc {}

impl ElementImpl for ArtMetaEnc {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Action metadata encoder",
                "Codec/Encoder/Metadata",
                "Writes the classes, regions and actions that artclassify found as JSON Lines",
                "The artclassify authors",
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            let template = |name, direction, caps: &gst::Caps| {
                gst::PadTemplate::new(name, direction, gst::PadPresence::Always, caps)
            };
            [
                template("sink", gst::PadDirection::Sink, &gst::Caps::new_any()),
                template("src", gst::PadDirection::Src, &SRC_CAPS),
            ]
            .into_iter()
            .flatten()
            .collect()
        });
        &TEMPLATES
    }

    fn change_state(
        &self,
        transition: gst::StateChange,
    ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        let success = self.parent_change_state(transition)?;
        if transition == gst::StateChange::PausedToReady {
            *self.state() = State::default();
        }
        Ok(success)
    }
}
