//! Pads, negotiation and blending of `artoverlay`.

use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_video::{VideoFrameRef, VideoInfo, VideoOverlayComposition, VideoOverlayCompositionMeta};

use super::caps;
use super::paint::Paint;
use super::pixels::Placed;
use super::scene::Scene;
use super::settings::Settings;
use crate::action::ActionState;
use crate::meta::{self, ActionRecord, FrameSize};

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("artoverlay", gst::DebugColorFlags::empty(), Some("Drawing of results"))
});

/// How drawings get onto the picture.
#[derive(Debug, Clone)]
struct Output {
    /// The frames that come in.
    info: VideoInfo,
    /// What blends, where it knows the format; elsewhere GStreamer does.
    paint: Option<Arc<Paint>>,
    /// Whether downstream composes; otherwise we blend.
    attach: bool,
}

#[derive(Debug, Default)]
struct State {
    /// The caps that came last.
    caps: Option<gst::Caps>,
    output: Option<Output>,
    scene: Scene,
}

/// The element.
#[derive(Debug)]
pub struct ArtOverlay {
    sinkpad: gst::Pad,
    srcpad: gst::Pad,
    settings: Mutex<Settings>,
    state: Mutex<State>,
}

impl ArtOverlay {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sink_chain(&self, pad: &gst::Pad, buffer: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        gst::trace!(CAT, obj = pad, "Handling {buffer:?}");
        if self.srcpad.check_reconfigure() {
            let caps = self.state().caps.clone().ok_or(gst::FlowError::NotNegotiated)?;
            self.negotiate(&caps).inspect_err(|_| self.srcpad.mark_reconfigure())?;
        }
        self.srcpad.push(self.draw(buffer)?)
    }

    /// The frame with its result drawn, or the very frame where there is nothing to draw.
    fn draw(&self, mut buffer: gst::Buffer) -> Result<gst::Buffer, gst::FlowError> {
        let results = meta::read_all(&buffer);
        if results.is_empty() {
            return Ok(buffer);
        }
        let settings = self.settings().clone();
        let (output, placed) = {
            let mut state = self.state();
            let output = state.output.clone().ok_or(gst::FlowError::NotNegotiated)?;
            let size = FrameSize::from(&output.info);
            (output, state.scene.draw(results, size, buffer.pts(), &settings))
        };
        let placed = placed.map_err(|err| {
            gst::element_imp_error!(self, gst::LibraryError::Failed, ("cannot draw: {err}"));
            gst::FlowError::Error
        })?;
        if placed.is_empty() {
            return Ok(buffer);
        }
        let writable = buffer.make_mut();
        let done = if output.attach { attach(writable, &placed) } else { blend(writable, &output, &placed) };
        done.map_err(|err| {
            gst::element_imp_error!(
                self,
                gst::StreamError::Format,
                ("cannot draw on {:?}: {err}", output.info)
            );
            gst::FlowError::Error
        })?;
        Ok(buffer)
    }

    /// Agrees with downstream on who puts the drawings onto frames of `caps`.
    fn negotiate(&self, caps: &gst::Caps) -> Result<(), gst::FlowError> {
        let composed = caps::with_composition(caps);
        let mut attach = caps::has_composition(caps);
        if attach || self.srcpad.peer_query_accept_caps(&composed) {
            // Sinks answer the allocation query for the caps that they have.
            if self.srcpad.push_event(gst::event::Caps::new(&composed)) {
                let mut query = gst::query::Allocation::new(Some(&composed), false);
                let answered = self.srcpad.peer_query(&mut query);
                attach |= answered && query.find_allocation_meta::<VideoOverlayCompositionMeta>().is_some();
            }
        }
        if !attach {
            if !caps::is_blendable(caps) {
                gst::element_imp_error!(
                    self,
                    gst::CoreError::Negotiation,
                    ("cannot draw on {caps}: such frames cannot be blended onto, and downstream does not compose \
                         overlays; put videoconvert before artoverlay")
                );
                return Err(gst::FlowError::NotNegotiated);
            }
            self.srcpad.push_event(gst::event::Caps::new(caps));
        }
        if self.srcpad.pad_flags().contains(gst::PadFlags::FLUSHING) {
            return Err(gst::FlowError::Flushing);
        }
        gst::debug!(CAT, imp = self, "{} {caps}", if attach { "Attaching to" } else { "Blending onto" });
        if let Some(output) = &mut self.state().output {
            output.attach = attach;
        }
        Ok(())
    }

    fn set_caps(&self, caps: &gst::Caps) -> bool {
        let info = match VideoInfo::from_caps(caps) {
            Ok(info) => info,
            Err(err) => {
                gst::error!(CAT, imp = self, "Cannot use {caps}: {err}");
                return false;
            }
        };
        {
            let mut state = self.state();
            state.caps = Some(caps.clone());
            let paint = Paint::new(&info).map(Arc::new);
            if state.output.as_ref().is_none_or(|output| output.paint != paint) {
                state.scene.change_format();
            }
            state.output = Some(Output { info, paint, attach: false });
        }
        self.srcpad.check_reconfigure();
        self.negotiate(caps).inspect_err(|_| self.srcpad.mark_reconfigure()).is_ok()
    }

    fn sink_event(&self, pad: &gst::Pad, event: gst::Event) -> bool {
        gst::log!(CAT, obj = pad, "Handling {event:?}");
        match event.view() {
            gst::EventView::Caps(event) => return self.set_caps(&event.caps_owned()),
            gst::EventView::StreamStart(_) | gst::EventView::FlushStop(_) => self.state().scene.reset(),
            gst::EventView::CustomDownstream(event) => {
                if let Some(ActionRecord { event: action, model }) =
                    event.structure().and_then(meta::read_action)
                {
                    let scene = &mut self.state().scene;
                    match action.state {
                        // The tag of an object tells what it does.
                        _ if action.object.is_some() => {}
                        ActionState::Start | ActionState::Update => {
                            scene.action_runs(&model, action.action, &action.class.label);
                        }
                        ActionState::Stop => scene.action_stops(&model, action.action),
                    }
                }
            }
            _ => (),
        }
        gst::Pad::event_default(pad, Some(&*self.obj()), event)
    }

    fn sink_query(&self, pad: &gst::Pad, query: &mut gst::QueryRef) -> bool {
        match query.view_mut() {
            gst::QueryViewMut::Caps(query) => {
                let caps = caps::for_upstream(&self.srcpad.peer_query_caps(None));
                query.set_result(&filtered(caps, query.filter()));
                true
            }
            gst::QueryViewMut::AcceptCaps(query) => {
                let caps = caps::for_upstream(&self.srcpad.peer_query_caps(None));
                query.set_result(query.caps_owned().can_intersect(&caps));
                true
            }
            _ => gst::Pad::query_default(pad, Some(&*self.obj()), query),
        }
    }

    fn src_query(&self, pad: &gst::Pad, query: &mut gst::QueryRef) -> bool {
        match query.view_mut() {
            gst::QueryViewMut::Caps(query) => {
                let caps = caps::for_downstream(&self.sinkpad.peer_query_caps(None));
                query.set_result(&filtered(caps, query.filter()));
                true
            }
            _ => gst::Pad::query_default(pad, Some(&*self.obj()), query),
        }
    }
}

/// What of `caps` passes the filter of a query, in the filter's order.
fn filtered(caps: gst::Caps, filter: Option<&gst::CapsRef>) -> gst::Caps {
    match filter {
        Some(filter) => filter.intersect_with_mode(&caps, gst::CapsIntersectMode::First),
        None => caps,
    }
}

/// Adds the drawings to the overlays that the frame has.
fn attach(buffer: &mut gst::BufferRef, placed: &[Placed]) -> Result<(), glib::BoolError> {
    let rectangles = placed.iter().map(Placed::rectangle).collect::<Result<Vec<_>, _>>()?;
    if let Some(mut old) = buffer.meta_mut::<VideoOverlayCompositionMeta>() {
        let composition: VideoOverlayComposition = old.overlay().iter().chain(rectangles).collect();
        old.set_overlay(&composition);
        return Ok(());
    }
    VideoOverlayCompositionMeta::add(buffer, &VideoOverlayComposition::new(&rectangles)?);
    Ok(())
}

/// Draws into the picture.
fn blend(buffer: &mut gst::BufferRef, output: &Output, placed: &[Placed]) -> Result<(), glib::BoolError> {
    let mut frame = VideoFrameRef::from_buffer_ref_writable(buffer, &output.info)?;
    if let Some(paint) = &output.paint {
        return paint.blend(&mut frame, placed);
    }
    let rectangles = placed.iter().map(Placed::rectangle).collect::<Result<Vec<_>, _>>()?;
    VideoOverlayComposition::new(&rectangles)?.blend(&mut frame)
}

#[glib::object_subclass]
impl ObjectSubclass for ArtOverlay {
    const NAME: &'static str = "GstArtOverlay";
    type Type = super::ArtOverlay;
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
        Self { sinkpad, srcpad, settings: Mutex::default(), state: Mutex::default() }
    }
}

impl ObjectImpl for ArtOverlay {
    fn constructed(&self) {
        self.parent_constructed();
        let obj = self.obj();
        for pad in [&self.sinkpad, &self.srcpad] {
            if let Err(err) = obj.add_pad(pad) {
                gst::error!(CAT, imp = self, "{err}");
            }
        }
    }

    fn properties() -> &'static [glib::ParamSpec] {
        Settings::properties()
    }

    fn set_property(&self, _id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
        self.settings().set(pspec.name(), value);
    }

    fn property(&self, _id: usize, pspec: &glib::ParamSpec) -> glib::Value {
        self.settings().get(pspec.name())
    }
}

impl GstObjectImpl for ArtOverlay {}

impl ElementImpl for ArtOverlay {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Action overlay",
                "Filter/Editor/Video",
                "Draws the classes, regions and actions that artclassify found",
                "The artclassify authors",
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            [("sink", gst::PadDirection::Sink), ("src", gst::PadDirection::Src)]
                .into_iter()
                .flat_map(|(name, direction)| {
                    gst::PadTemplate::new(name, direction, gst::PadPresence::Always, &caps::TEMPLATE)
                })
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
