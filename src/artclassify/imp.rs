//! Pads, states, events and queries of `artclassify`.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, LazyLock, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use gst::{glib, prelude::*, subclass::prelude::*};

use super::{
    CAT,
    intake::{Counts, Intake, Notice, Refusal},
    interpret::Interpreter,
    outlet::{Item, Outlet},
    settings::{PROPERTIES, Settings},
};
use crate::{
    action::{ActionEvent, Moment},
    classification::Classification,
    engine::{Engine, Model},
    error::Error,
    meta::{self, FrameSize},
    model::Manifest,
    runtime::Library,
    window::WindowPlan,
};

/// What the source pad's task knows.
struct Writer {
    interpreter: Interpreter,
    /// The newest result that frames carry.
    latest: Option<Classification>,
    size: FrameSize,
}

/// The element.
pub struct ArtClassify {
    sinkpad: gst::Pad,
    srcpad: gst::Pad,
    settings: Mutex<Settings>,
    engine: Mutex<Option<Arc<Engine>>>,
    /// Locked by the streaming thread only, and while nothing streams.
    intake: Mutex<Option<Intake>>,
    /// Locked by the source pad's task only, and while nothing streams.
    writer: Mutex<Option<Writer>>,
    outlet: Arc<Outlet>,
    counts: Mutex<Counts>,
    /// How long a frame waits at most: for its window to fill, and for the model to run.
    latency: Mutex<gst::ClockTime>,
    /// Whether downstream takes frames whose layout only GstVideoMeta tells.
    video_meta: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ArtClassify {
    fn plugin_folder(&self) -> Option<PathBuf> {
        let file = self.obj().factory()?.plugin()?.filename()?;
        file.parent().map(Path::to_owned)
    }

    /// Loads the model and starts its thread.
    fn start(&self) -> Result<(), Error> {
        let settings = lock(&self.settings).clone();
        let Some(location) = &settings.model else {
            return Err(Error::Property {
                name: "model",
                found: "nothing".into(),
                expected: "a folder with a model.toml, or that file".into(),
            });
        };
        let manifest = Manifest::load(Path::new(location))?;
        let hop = if settings.hop == 0 { manifest.input.hop as u64 } else { settings.hop.into() };
        let plan = WindowPlan::new(manifest.input.frames as u64, hop).ok_or_else(|| Error::Property {
            name: "hop",
            found: hop.to_string(),
            expected: format!(
                "1 to {}, the samples in a window of {}",
                manifest.input.frames,
                manifest.path.display()
            ),
        })?;
        let library = Library::get(self.plugin_folder().as_deref())?;
        let model = Model::load(&manifest, library, settings.threads as usize)?;
        gst::info!(CAT, imp = self, "{} runs on {}", manifest.name, library.path().display());
        let run_time = gst::ClockTime::try_from(model.run_time()).unwrap_or(gst::ClockTime::ZERO);
        let intake = Intake::new(
            manifest.input.clone(),
            model.writer().clone(),
            settings.alignment,
            plan,
            settings.gap_tolerance,
        );
        let outlet = Arc::clone(&self.outlet);
        let element = self.obj().downgrade();
        let engine = Engine::start(model, move |outcome| {
            if let (Some(fault), Some(element)) = (outlet.deliver(outcome), element.upgrade()) {
                element.post_error_message(fault.to_message());
            }
        })?;
        *lock(&self.latency) = gst::ClockTime::from_nseconds(intake.delay()) + run_time;
        *lock(&self.writer) = Some(Writer {
            interpreter: Interpreter::new(&manifest),
            latest: None,
            size: FrameSize { width: 0, height: 0 },
        });
        *lock(&self.intake) = Some(intake);
        *lock(&self.counts) = Counts::default();
        self.outlet.open(engine.cancel());
        *lock(&self.engine) = Some(Arc::new(engine));
        Ok(())
    }

    fn stop(&self) {
        let engine = lock(&self.engine).take();
        drop(engine);
        *lock(&self.intake) = None;
        *lock(&self.writer) = None;
        *lock(&self.latency) = gst::ClockTime::ZERO;
    }

    /// Ends all waiting: what is on its way is dropped.
    fn close(&self) {
        self.outlet.close();
        if let Some(engine) = &*lock(&self.engine) {
            engine.cancel();
        }
    }

    fn engine(&self) -> Result<Arc<Engine>, gst::FlowError> {
        lock(&self.engine).clone().ok_or(gst::FlowError::Flushing)
    }

    fn sink_chain(&self, buffer: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        let engine = self.engine()?;
        let gap_tolerance = lock(&self.settings).gap_tolerance;
        let mut guard = lock(&self.intake);
        let intake = guard.as_mut().ok_or(gst::FlowError::Flushing)?;
        let taken = intake.frame(buffer, &engine, &self.outlet, gap_tolerance);
        let notices = intake.take_notices();
        *lock(&self.counts) = intake.counts();
        drop(guard);
        notices.into_iter().for_each(|notice| self.tell(notice));
        match taken {
            Ok(()) => Ok(gst::FlowSuccess::Ok),
            Err(Refusal::Flow(flow)) => Err(flow),
            Err(Refusal::Fault(fault)) => {
                self.post_error_message(fault.to_message());
                Err(gst::FlowError::Error)
            }
        }
    }

    fn tell(&self, notice: Notice) {
        match notice {
            Notice::NoTimestamps => gst::element_imp_warning!(
                self,
                gst::StreamError::Format,
                [
                    "frames without a time stamp pass unclassified; let the source stamp them (do-timestamp=true)"
                ]
            ),
            Notice::Reverse => gst::element_imp_warning!(
                self,
                gst::StreamError::NotImplemented,
                ["video that plays backwards passes unclassified"]
            ),
            Notice::SlowSource => gst::element_imp_warning!(
                self,
                gst::StreamError::Format,
                [
                    "the source has fewer frames a second than the model takes samples: frames are repeated, and \
                  scores may suffer"
                ]
            ),
        }
    }

    /// Puts an event in line behind the frames before it.
    fn enqueue(&self, event: gst::Event) -> bool {
        self.outlet.add(Item::Event(event)).is_ok()
    }

    fn sink_event(&self, pad: &gst::Pad, event: gst::Event) -> bool {
        gst::log!(CAT, obj = pad, "{event:?}");
        match event.view() {
            gst::EventView::FlushStart(_) => {
                self.close();
                let passed = self.srcpad.push_event(event);
                // A task that was never started has nothing to pause.
                let _ = self.srcpad.pause_task();
                passed
            }
            gst::EventView::FlushStop(_) => {
                self.restart();
                self.srcpad.push_event(event) && self.start_task().is_ok()
            }
            gst::EventView::Caps(caps) => match gst_video::VideoInfo::from_caps(caps.caps()) {
                Ok(info) => self.set_info(&info) && self.enqueue(event),
                Err(fault) => {
                    let caps = caps.caps();
                    gst::element_imp_error!(self, gst::StreamError::Format, ["caps {caps}: {fault}"]);
                    false
                }
            },
            gst::EventView::Segment(segment) => match segment.segment().downcast_ref::<gst::ClockTime>() {
                Some(segment) => {
                    if let Some(intake) = &mut *lock(&self.intake) {
                        intake.set_segment(segment.clone());
                    }
                    self.enqueue(event)
                }
                None => {
                    let format = segment.segment().format();
                    gst::element_imp_error!(
                        self,
                        gst::StreamError::Format,
                        ["segment: found format {format:?}, expected time"]
                    );
                    false
                }
            },
            gst::EventView::Eos(_) => {
                let eos = lock(&self.settings).eos;
                if let (Ok(engine), Some(intake)) = (self.engine(), &mut *lock(&self.intake)) {
                    intake.end(eos, &engine, &self.outlet);
                    *lock(&self.counts) = intake.counts();
                }
                self.enqueue(event)
            }
            _ if event.is_serialized() => self.enqueue(event),
            _ => gst::Pad::event_default(pad, Some(&*self.obj()), event),
        }
    }

    fn set_info(&self, info: &gst_video::VideoInfo) -> bool {
        let fault = match &mut *lock(&self.intake) {
            Some(intake) => intake.set_info(info).err(),
            None => return false,
        };
        if let Some(fault) = fault {
            self.post_error_message(fault.to_message());
            return false;
        }
        true
    }

    /// Begins anew after a flush.
    fn restart(&self) {
        let Ok(engine) = self.engine() else { return };
        if let Some(intake) = &mut *lock(&self.intake) {
            intake.flush();
        }
        let mut guard = lock(&self.writer);
        let stopped = guard.as_mut().and_then(|writer| {
            writer.latest = None;
            let stop = writer.interpreter.end_of_grid(None)?;
            Some((stop, writer.interpreter.model().to_owned()))
        });
        drop(guard);
        if let Some((stop, model)) = stopped {
            self.post_action(&stop, &model);
        }
        self.outlet.open(engine.cancel());
    }

    fn post_action(&self, event: &ActionEvent, model: &str) {
        let structure = meta::action_structure(event, model);
        let message = gst::message::Element::builder(structure).src(&*self.obj()).build();
        // Fails only where no application listens.
        let _ = self.obj().post_message(message);
    }

    fn sink_query(&self, pad: &gst::Pad, query: &mut gst::QueryRef) -> bool {
        match query.view_mut() {
            gst::QueryViewMut::Allocation(allocation) => {
                self.answer_allocation(allocation);
                true
            }
            _ => gst::Pad::query_default(pad, Some(&*self.obj()), query),
        }
    }

    /// Asks downstream, unless frames are held back before it: it could not answer before those frames
    /// came, and they wait for frames that upstream makes only after the answer. Upstream needs as many
    /// more buffers as are held.
    fn answer_allocation(&self, query: &mut gst::query::Allocation) {
        let held = lock(&self.intake).as_ref().map_or(0, Intake::held_frames);
        if self.outlet.drain() && self.srcpad.peer_query(query) {
            let offers = query.find_allocation_meta::<gst_video::VideoMeta>().is_some();
            self.video_meta.store(offers, Ordering::Relaxed);
            let pools: Vec<_> = query.allocation_pools().collect();
            for (index, (pool, size, min, max)) in (0u32..).zip(pools) {
                // A pool that downstream has bounded would run dry.
                let pool = if max == 0 { pool } else { None };
                query.set_nth_allocation_pool(index, pool.as_ref(), size, min + held, 0);
            }
        } else if self.video_meta.load(Ordering::Relaxed) {
            query.add_allocation_meta::<gst_video::VideoMeta>(None);
        }
        if query.allocation_pools().next().is_none() {
            let size = query.get().0.and_then(|caps| gst_video::VideoInfo::from_caps(caps).ok());
            let size = size.map_or(0, |info| info.size() as u32);
            query.add_allocation_pool(None::<&gst::BufferPool>, size, held, 0);
        }
    }

    fn src_query(&self, pad: &gst::Pad, query: &mut gst::QueryRef) -> bool {
        let handled = match query.view_mut() {
            gst::QueryViewMut::Latency(_) => self.sinkpad.peer_query(query),
            _ => return gst::Pad::query_default(pad, Some(&*self.obj()), query),
        };
        if let (gst::QueryViewMut::Latency(latency), true) = (query.view_mut(), handled) {
            let own = *lock(&self.latency);
            let (live, min, max) = latency.result();
            latency.set(live, min + own, max.map(|max| max + own));
        }
        handled
    }

    fn activate(&self, pad: &gst::Pad, mode: gst::PadMode, active: bool) -> Result<(), gst::LoggableError> {
        if mode != gst::PadMode::Push {
            return Err(gst::loggable_error!(CAT, "only push mode is supported"));
        }
        if active {
            return if pad == &self.srcpad { self.start_task() } else { Ok(()) };
        }
        self.close();
        if pad == &self.srcpad { pad.stop_task().map_err(Into::into) } else { Ok(()) }
    }

    fn start_task(&self) -> Result<(), gst::LoggableError> {
        let element = self.obj().downgrade();
        let task = move || {
            if let Some(element) = element.upgrade() {
                element.imp().leave();
            }
        };
        self.srcpad.start_task(task).map_err(Into::into)
    }

    /// One turn of the source pad's task: lets the next item leave.
    fn leave(&self) {
        let flow = match self.outlet.next() {
            Ok((item, settled)) => {
                let mut guard = lock(&self.writer);
                let Some(writer) = guard.as_mut() else { return };
                let mut found = Vec::new();
                let (action, top_k) = {
                    let settings = lock(&self.settings);
                    (settings.action, settings.top_k as usize)
                };
                for (info, output) in settled {
                    found.push(writer.interpreter.window(&info, &output, &action, top_k));
                }
                self.push_item(item, found, writer)
            }
            Err(flow) => Err(flow),
        };
        let Err(flow) = flow else { return };
        gst::debug!(CAT, imp = self, "pausing: {flow:?}");
        self.outlet.stop(flow);
        // The pad is being stopped where this fails.
        let _ = self.srcpad.pause_task();
    }

    /// Pushes an item behind what its windows brought about.
    fn push_item(
        &self,
        item: Item,
        found: Vec<(Classification, Vec<ActionEvent>)>,
        writer: &mut Writer,
    ) -> Result<(), gst::FlowError> {
        let carries = matches!(&item, Item::Frame { owner: Some(_), .. });
        let first = carries && !found.is_empty();
        let mut remaining = found.len();
        for (classification, events) in found {
            events.iter().for_each(|event| self.push_action(event, writer.interpreter.model()));
            remaining -= 1;
            if remaining > 0 || !carries {
                self.push_window(&classification, writer.size);
            }
            writer.latest = Some(classification);
        }
        match item {
            Item::Frame { buffer, owner } => {
                let buffer = match (&writer.latest, owner) {
                    (Some(classification), Some(_)) => {
                        self.write(buffer, classification, writer.size, first)?
                    }
                    _ => buffer,
                };
                self.srcpad.push(buffer).map(|_| ()).inspect_err(|&flow| self.report_flow(flow))
            }
            Item::Event(event) => {
                if let gst::EventView::Caps(caps) = event.view()
                    && let Ok(info) = gst_video::VideoInfo::from_caps(caps.caps())
                {
                    writer.size = FrameSize::from(&info);
                }
                self.srcpad.push_event(event);
                Ok(())
            }
            Item::GridEnd { until, .. } => {
                writer.latest = None;
                self.end_action(until, writer);
                Ok(())
            }
        }
    }

    fn end_action(&self, until: Option<Moment>, writer: &mut Writer) {
        if let Some(stop) = writer.interpreter.end_of_grid(until) {
            self.push_action(&stop, writer.interpreter.model());
        }
    }

    fn push_action(&self, event: &ActionEvent, model: &str) {
        self.post_action(event, model);
        let structure = meta::action_structure(event, model);
        self.srcpad.push_event(gst::event::CustomDownstream::new(structure));
    }

    /// Sends a window that no frame carries down the stream by itself.
    fn push_window(&self, classification: &Classification, size: FrameSize) {
        let structure = meta::window_structure(classification, size);
        self.srcpad.push_event(gst::event::CustomDownstream::new(structure));
    }

    fn write(
        &self,
        mut buffer: gst::Buffer,
        classification: &Classification,
        size: FrameSize,
        first: bool,
    ) -> Result<gst::Buffer, gst::FlowError> {
        let pts = buffer.pts();
        meta::write(buffer.make_mut(), classification, size, pts, first).map_err(|fault| {
            gst::element_imp_error!(self, gst::CoreError::Failed, ["cannot write metadata: {fault}"]);
            gst::FlowError::Error
        })?;
        Ok(buffer)
    }

    /// Upstream may have ended, so that nobody else would tell of a downstream that failed.
    fn report_flow(&self, flow: gst::FlowError) {
        if !matches!(flow, gst::FlowError::Flushing | gst::FlowError::Eos) {
            gst::element_imp_error!(
                self,
                gst::StreamError::Failed,
                ["streaming stopped, downstream answered {flow:?}"]
            );
        }
    }
}

#[glib::object_subclass]
impl ObjectSubclass for ArtClassify {
    const NAME: &'static str = "GstArtClassify";
    type Type = super::ArtClassify;
    type ParentType = gst::Element;

    fn with_class(klass: &Self::Class) -> Self {
        let pad = |name| klass.pad_template(name).map(|template| gst::Pad::builder_from_template(&template));
        let (Some(sink), Some(src)) = (pad("sink"), pad("src")) else {
            unreachable!("both templates are declared below")
        };
        let sinkpad = sink
            .chain_function(|_, parent, buffer| {
                let failed = || Err(gst::FlowError::Error);
                Self::catch_panic_pad_function(parent, failed, |imp| imp.sink_chain(buffer))
            })
            .event_function(|pad, parent, event| {
                Self::catch_panic_pad_function(parent, || false, |imp| imp.sink_event(pad, event))
            })
            .query_function(|pad, parent, query| {
                Self::catch_panic_pad_function(parent, || false, |imp| imp.sink_query(pad, query))
            })
            .activatemode_function(Self::activate_pad)
            .flags(gst::PadFlags::PROXY_CAPS)
            .build();
        let srcpad = src
            .query_function(|pad, parent, query| {
                Self::catch_panic_pad_function(parent, || false, |imp| imp.src_query(pad, query))
            })
            .activatemode_function(Self::activate_pad)
            .flags(gst::PadFlags::PROXY_CAPS)
            .build();
        Self {
            sinkpad,
            srcpad,
            settings: Mutex::default(),
            engine: Mutex::default(),
            intake: Mutex::default(),
            writer: Mutex::default(),
            outlet: Arc::default(),
            counts: Mutex::default(),
            latency: Mutex::new(gst::ClockTime::ZERO),
            video_meta: AtomicBool::new(false),
        }
    }
}

impl ArtClassify {
    fn activate_pad(
        pad: &gst::Pad,
        parent: Option<&gst::Object>,
        mode: gst::PadMode,
        active: bool,
    ) -> Result<(), gst::LoggableError> {
        let failed = || Err(gst::loggable_error!(CAT, "panicked"));
        Self::catch_panic_pad_function(parent, failed, |imp| imp.activate(pad, mode, active))
    }
}

impl ObjectImpl for ArtClassify {
    fn properties() -> &'static [glib::ParamSpec] {
        &PROPERTIES
    }

    fn set_property(&self, _id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
        lock(&self.settings).set(pspec.name(), value);
    }

    fn property(&self, _id: usize, pspec: &glib::ParamSpec) -> glib::Value {
        let value = lock(&self.settings).get(pspec.name());
        value.unwrap_or_else(|| lock(&self.counts).to_structure().to_value())
    }

    fn constructed(&self) {
        self.parent_constructed();
        for pad in [&self.sinkpad, &self.srcpad] {
            if let Err(fault) = self.obj().add_pad(pad) {
                gst::error!(CAT, imp = self, "{fault}");
            }
        }
    }
}

impl GstObjectImpl for ArtClassify {}

impl ElementImpl for ArtClassify {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Action classifier",
                "Filter/Analyzer/Video",
                "Recognises fine-grained actions in windows of frames with an ONNX model, and writes classes and \
                 regions on the frames",
                "The artclassify authors",
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            let mut caps = gst_video::VideoCapsBuilder::new().build();
            let composition = gst_video::VideoCapsBuilder::new()
                .features([gst_video::CAPS_FEATURE_META_GST_VIDEO_OVERLAY_COMPOSITION])
                .build();
            caps.merge(composition);
            [("sink", gst::PadDirection::Sink), ("src", gst::PadDirection::Src)]
                .into_iter()
                .filter_map(|(name, direction)| {
                    gst::PadTemplate::new(name, direction, gst::PadPresence::Always, &caps).ok()
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
        let success = self.parent_change_state(transition);
        if transition == gst::StateChange::PausedToReady
            || (transition == gst::StateChange::ReadyToPaused && success.is_err())
        {
            self.stop();
        }
        success
    }
}
