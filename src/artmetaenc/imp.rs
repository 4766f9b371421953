//! Pads and events of `artmetaenc`.

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;

use super::caps;
use super::record::Piece;
use super::settings::Settings;
use super::stream::Stream;
use super::writer::{WriteError, Writer};
use crate::meta::FrameSize;

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("artmetaenc", gst::DebugColorFlags::empty(), Some("Results as text"))
});

/// The element.
#[derive(Debug)]
pub struct ArtMetaEnc {
    sinkpad: gst::Pad,
    srcpad: gst::Pad,
    settings: Mutex<Settings>,
    stream: Mutex<Stream>,
}

impl ArtMetaEnc {
    fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stream(&self) -> MutexGuard<'_, Stream> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sink_chain(&self, pad: &gst::Pad, buffer: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        gst::trace!(CAT, obj = pad, "Handling {buffer:?}");
        self.negotiate()?;
        self.push_header(buffer.pts())?;
        let pieces = self.stream().frame(&buffer).map_err(|err| self.unwritable(&err))?;
        if pieces.is_empty() {
            return self.push_gap();
        }
        for piece in pieces {
            self.push(piece)?;
        }
        Ok(gst::FlowSuccess::Ok)
    }

    fn push_event_piece(&self, structure: &gst::StructureRef) -> Result<(), gst::FlowError> {
        let piece = self.stream().event(structure);
        if let Some(piece) = piece.map_err(|err| self.unwritable(&err))? {
            self.push_header(None)?;
            self.push(piece)?;
        }
        Ok(())
    }

    fn unwritable(&self, err: &WriteError) -> gst::FlowError {
        gst::element_imp_error!(self, gst::StreamError::Encode, ("cannot write the results: {err}"));
        gst::FlowError::Error
    }

    fn push(&self, Piece { bytes, pts, duration }: Piece) -> Result<gst::FlowSuccess, gst::FlowError> {
        let mut buffer = gst::Buffer::from_slice(bytes);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(gst::ClockTime::from_nseconds(pts));
            buffer.set_duration(duration.map(gst::ClockTime::from_nseconds));
        }
        self.srcpad.push(buffer)?;
        // A muxer takes the time of a buffer for the time of its stream. That of a cue is long past, so the muxer would
        // hold the pictures back until the next frame, which may be stuck behind them.
        let is_track = matches!(self.stream().writer, Some(Writer::PlainText(_)));
        if is_track { self.push_gap() } else { Ok(gst::FlowSuccess::Ok) }
    }

    /// Sends what stands before all else, once, with the PTS of the frame at hand.
    fn push_header(&self, pts: Option<gst::ClockTime>) -> Result<(), gst::FlowError> {
        let header = self.stream().header();
        if let Some(bytes) = header.map_err(|err| self.unwritable(&err))? {
            let mut buffer = gst::Buffer::from_slice(bytes);
            if let Some(buffer) = buffer.get_mut() {
                buffer.set_pts(pts);
                buffer.set_flags(gst::BufferFlags::HEADER);
            }
            self.srcpad.push(buffer)?;
        }
        self.stream().header_sent = true;
        Ok(())
    }

    /// Tells downstream that time has gone on to the newest frame without a line.
    fn push_gap(&self) -> Result<gst::FlowSuccess, gst::FlowError> {
        let newest = self.stream().newest;
        let Some((pts, duration)) = newest else { return Ok(gst::FlowSuccess::Ok) };
        let gap = gst::event::Gap::builder(pts).duration(duration).build();
        if self.srcpad.push_event(gap) { Ok(gst::FlowSuccess::Ok) } else { self.srcpad.last_flow_result() }
    }

    /// Agrees with downstream on caps, which must stand before the segment.
    fn negotiate(&self) -> Result<(), gst::FlowError> {
        if self.stream().writer.is_some() {
            return Ok(());
        }
        let Settings { format, cues } = *self.settings();
        let allowed = self.srcpad.peer_query_caps(Some(format.caps()));
        let mut caps = format.caps().intersect_with_mode(&allowed, gst::CapsIntersectMode::First);
        if caps.is_empty() {
            let text = format!("downstream takes no {}", format.caps());
            gst::element_imp_error!(self, gst::CoreError::Negotiation, ("{text}"));
            return Err(gst::FlowError::NotNegotiated);
        }
        caps.fixate();
        let plain = caps.structure(0).is_some_and(|s| s.name() == caps::PLAIN_TEXT);
        self.stream().writer = Some(Writer::new(format, cues, plain));
        self.srcpad.push_event(gst::event::Caps::new(&caps));
        Ok(())
    }

    fn sink_event(&self, pad: &gst::Pad, event: gst::Event) -> bool {
        gst::log!(CAT, obj = pad, "Handling {event:?}");
        match event.view() {
            gst::EventView::Caps(caps) => {
                self.stream().size = caps.caps().structure(0).and_then(frame_size);
                return self.negotiate().is_ok();
            }
            gst::EventView::Segment(segment) => {
                if self.negotiate().is_err() {
                    return false;
                }
                self.stream().start_segment(segment.segment().downcast_ref().cloned());
            }
            gst::EventView::StreamStart(_) => self.stream().restart(),
            gst::EventView::FlushStop(_) => self.stream().flush(),
            gst::EventView::Eos(_) if self.srcpad.sticky_event::<gst::event::Segment>(0).is_some() => {
                if let Err(err) = self.push_header(None) {
                    gst::debug!(CAT, imp = self, "The header was not taken: {err}");
                }
            }
            gst::EventView::CustomDownstream(custom) => {
                if let Err(err) =
                    custom.structure().map_or(Ok(()), |structure| self.push_event_piece(structure))
                {
                    gst::debug!(CAT, imp = self, "What an event tells was not taken: {err}");
                }
            }
            _ => (),
        }
        gst::Pad::event_default(pad, Some(&*self.obj()), event)
    }

    fn src_query(&self, pad: &gst::Pad, query: &mut gst::QueryRef) -> bool {
        match query.view_mut() {
            gst::QueryViewMut::Caps(query) => {
                let caps = self.settings().format.caps();
                let filtered =
                    query.filter().map(|f| f.intersect_with_mode(caps, gst::CapsIntersectMode::First));
                query.set_result(filtered.as_ref().unwrap_or(caps));
                true
            }
            _ => gst::Pad::query_default(pad, Some(&*self.obj()), query),
        }
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
pub(crate) fn frame_size(s: &gst::StructureRef) -> Option<FrameSize> {
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
        let srcpad = src
            .query_function(|pad, parent, query| {
                Self::catch_panic_pad_function(parent, || false, |imp| imp.src_query(pad, query))
            })
            .build();
        Self { sinkpad, srcpad, settings: Mutex::default(), stream: Mutex::default() }
    }
}

impl ObjectImpl for ArtMetaEnc {
    fn properties() -> &'static [glib::ParamSpec] {
        Settings::properties()
    }

    fn set_property(&self, _id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
        self.settings().set(pspec.name(), value);
    }

    fn property(&self, _id: usize, pspec: &glib::ParamSpec) -> glib::Value {
        self.settings().get(pspec.name())
    }

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
                "Writes the classes, regions and actions that artclassify found as JSON Lines, WebVTT or CSV",
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
                template("src", gst::PadDirection::Src, &caps::any()),
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
            *self.stream() = Stream::default();
        }
        Ok(success)
    }
}
