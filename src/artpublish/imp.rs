//! Pads and events of `artpublish`.

use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;

use super::{
    CAT,
    choices::Content,
    inbox::Counts,
    publisher::Publisher,
    settings::{PROPERTIES, Settings},
    topic::Kind,
    worker::Report,
};
use crate::{
    artmetaenc::{Cues, Format, Piece, Stream, WriteError, Writer, frame_size},
    error::Error,
    meta,
    wording::one_line,
};

/// The stream that passes.
#[derive(Debug)]
struct Passing {
    content: Content,
    /// What turns it into lines.
    lines: Stream,
    /// Its id.
    id: String,
}

impl Passing {
    fn new(content: Content) -> Self {
        let mut passing = Self { content, lines: Stream::default(), id: String::new() };
        passing.write_lines();
        passing
    }

    /// Another stream starts.
    fn restart(&mut self, id: &str) {
        id.clone_into(&mut self.id);
        self.lines.restart();
        self.write_lines();
    }

    fn write_lines(&mut self) {
        self.lines.writer = Some(Writer::new(Format::JsonLines, Cues::default(), false));
    }

    /// What there is to publish of a frame.
    fn frame(&mut self, buffer: &gst::BufferRef) -> Result<Vec<Piece>, WriteError> {
        if self.content == Content::Actions { Ok(Vec::new()) } else { self.lines.frame(buffer) }
    }

    /// What there is to publish of an event, and what it is.
    fn event(&mut self, structure: &gst::StructureRef) -> Result<Option<(Kind, Piece)>, WriteError> {
        let (kind, left_out) = match structure.name() == meta::fields::ACTION {
            true => (Kind::Action, Content::Windows),
            false => (Kind::Window, Content::Actions),
        };
        if self.content == left_out {
            return Ok(None);
        }
        Ok(self.lines.event(structure)?.map(|piece| (kind, piece)))
    }
}

/// The element.
#[derive(Debug)]
pub struct ArtPublish {
    sinkpad: gst::Pad,
    srcpad: gst::Pad,
    settings: Mutex<Settings>,
    passing: Mutex<Passing>,
    publisher: Mutex<Option<Arc<Publisher>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ArtPublish {
    fn publisher(&self) -> Option<Arc<Publisher>> {
        lock(&self.publisher).clone()
    }

    fn sink_chain(&self, pad: &gst::Pad, buffer: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        gst::trace!(CAT, obj = pad, "Handling {buffer:?}");
        self.publish_frame(&buffer)?;
        self.srcpad.push(buffer)
    }

    fn sink_chain_list(
        &self,
        pad: &gst::Pad,
        list: gst::BufferList,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        gst::trace!(CAT, obj = pad, "Handling {list:?}");
        for buffer in list.iter() {
            self.publish_frame(buffer)?;
        }
        self.srcpad.push_list(list)
    }

    fn publish_frame(&self, buffer: &gst::BufferRef) -> Result<(), gst::FlowError> {
        let (pieces, id) = {
            let mut passing = lock(&self.passing);
            (passing.frame(buffer).map_err(|err| self.unwritable(&err))?, passing.id.clone())
        };
        if let Some(publisher) = self.publisher() {
            pieces.into_iter().for_each(|piece| publisher.publish(&id, Kind::Window, piece.bytes));
        }
        Ok(())
    }

    fn publish_event(&self, structure: &gst::StructureRef) {
        let (found, id) = {
            let mut passing = lock(&self.passing);
            (passing.event(structure), passing.id.clone())
        };
        match (found, self.publisher()) {
            (Ok(Some((kind, piece))), Some(publisher)) => publisher.publish(&id, kind, piece.bytes),
            (Err(err), _) => _ = self.unwritable(&err),
            _ => (),
        }
    }

    fn unwritable(&self, err: &WriteError) -> gst::FlowError {
        gst::element_imp_error!(self, gst::StreamError::Encode, ("cannot write the results: {err}"));
        gst::FlowError::Error
    }

    fn sink_event(&self, pad: &gst::Pad, event: gst::Event) -> bool {
        gst::log!(CAT, obj = pad, "Handling {event:?}");
        match event.view() {
            gst::EventView::Caps(caps) => {
                lock(&self.passing).lines.size = caps.caps().structure(0).and_then(frame_size);
            }
            gst::EventView::Segment(segment) => {
                lock(&self.passing).lines.start_segment(segment.segment().downcast_ref().cloned());
            }
            gst::EventView::StreamStart(start) => lock(&self.passing).restart(start.stream_id()),
            gst::EventView::FlushStart(_) => self.hurry(true),
            gst::EventView::FlushStop(_) => {
                self.hurry(false);
                lock(&self.passing).lines.flush();
            }
            // The end waits here and not when the pipeline stops, for then nobody may read what is told on the bus.
            gst::EventView::Eos(_) => {
                if let Some(Err(fault)) = self.publisher().map(|publisher| publisher.linger()) {
                    post(&self.obj(), Report::Warning(fault));
                }
            }
            gst::EventView::CustomDownstream(custom) => {
                if let Some(structure) = custom.structure() {
                    self.publish_event(structure);
                }
            }
            _ => (),
        }
        gst::Pad::event_default(pad, Some(&*self.obj()), event)
    }

    fn start(&self) -> Result<(), Error> {
        let settings = lock(&self.settings).clone();
        let element = self.obj().downgrade();
        let report = move |report| {
            if let Some(element) = element.upgrade() {
                post(&element, report);
            }
        };
        let publisher = Publisher::start(&settings, &glib::host_name(), &self.obj().name(), report)?;
        *lock(&self.passing) = Passing::new(settings.content);
        *lock(&self.publisher) = Some(Arc::new(publisher));
        Ok(())
    }

    /// Says whether the end of the stream is not to wait.
    fn hurry(&self, hurried: bool) {
        if let Some(publisher) = self.publisher() {
            publisher.hurry(hurried);
        }
    }

    fn stop(&self) {
        if let Some(publisher) = self.publisher()
            && !publisher.stop()
        {
            gst::error!(CAT, imp = self, "The thread that publishes panicked");
        }
    }
}

/// Posts on the bus what the publishing thread tells.
fn post(element: &super::ArtPublish, report: Report) {
    match report {
        Report::Error(fault) => element.post_error_message(fault.to_message()),
        Report::Warning(fault) => {
            let text = one_line(&fault.to_string());
            gst::element_warning!(element, gst::ResourceError::Write, ("{text}"));
        }
        // gst-launch-1.0 prints the second text alone.
        Report::Info(text) => gst::element_info!(element, gst::ResourceError::Write, ("{text}"), ["{text}"]),
    }
}

#[glib::object_subclass]
impl ObjectSubclass for ArtPublish {
    const NAME: &'static str = "GstArtPublish";
    type Type = super::ArtPublish;
    type ParentType = gst::Element;

    fn with_class(klass: &Self::Class) -> Self {
        let pad = |name| klass.pad_template(name).map(|template| gst::Pad::builder_from_template(&template));
        let (Some(sink), Some(src)) = (pad("sink"), pad("src")) else {
            unreachable!("both templates are declared below")
        };
        let passes =
            gst::PadFlags::PROXY_CAPS | gst::PadFlags::PROXY_ALLOCATION | gst::PadFlags::PROXY_SCHEDULING;
        let sinkpad = sink
            .chain_function(|pad, parent, buffer| {
                Self::catch_panic_pad_function(
                    parent,
                    || Err(gst::FlowError::Error),
                    |imp| imp.sink_chain(pad, buffer),
                )
            })
            .chain_list_function(|pad, parent, list| {
                Self::catch_panic_pad_function(
                    parent,
                    || Err(gst::FlowError::Error),
                    |imp| imp.sink_chain_list(pad, list),
                )
            })
            .event_function(|pad, parent, event| {
                Self::catch_panic_pad_function(parent, || false, |imp| imp.sink_event(pad, event))
            })
            .flags(passes)
            .build();
        let srcpad = src.flags(passes).build();
        Self {
            sinkpad,
            srcpad,
            settings: Mutex::default(),
            passing: Mutex::new(Passing::new(Content::default())),
            publisher: Mutex::default(),
        }
    }
}

impl ObjectImpl for ArtPublish {
    fn properties() -> &'static [glib::ParamSpec] {
        &PROPERTIES
    }

    fn set_property(&self, _id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
        lock(&self.settings).set(pspec.name(), value);
    }

    fn property(&self, _id: usize, pspec: &glib::ParamSpec) -> glib::Value {
        let stats =
            || self.publisher().map_or_else(|| Counts::default().to_structure(), |p| p.stats()).to_value();
        let value = lock(&self.settings).get(pspec.name());
        value.unwrap_or_else(stats)
    }

    fn constructed(&self) {
        self.parent_constructed();
        for pad in [&self.sinkpad, &self.srcpad] {
            if let Err(err) = self.obj().add_pad(pad) {
                gst::error!(CAT, imp = self, "{err}");
            }
        }
    }
}

impl GstObjectImpl for ArtPublish {}

impl ElementImpl for ArtPublish {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Action publisher",
                "Filter/Network/Metadata",
                "Publishes the actions and classes that artclassify found to an MQTT broker; the stream passes untouched",
                "The artclassify authors",
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            [("sink", gst::PadDirection::Sink), ("src", gst::PadDirection::Src)]
                .into_iter()
                .filter_map(|(name, direction)| {
                    let any = gst::Caps::new_any();
                    gst::PadTemplate::new(name, direction, gst::PadPresence::Always, &any).ok()
                })
                .collect()
        });
        &TEMPLATES
    }

    fn change_state(
        &self,
        transition: gst::StateChange,
    ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        if transition == gst::StateChange::ReadyToPaused
            && let Err(fault) = self.start()
        {
            self.post_error_message(fault.to_message());
            return Err(gst::StateChangeError);
        }
        if transition == gst::StateChange::PausedToReady {
            self.hurry(true);
        }
        let success = self.parent_change_state(transition);
        if transition == gst::StateChange::PausedToReady
            || (transition == gst::StateChange::ReadyToPaused && success.is_err())
        {
            self.stop();
        }
        success
    }
}
