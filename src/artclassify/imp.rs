//! Pads, states, events and queries of `artclassify`.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
};

use gst::{glib, prelude::*, subclass::prelude::*};

use super::{
    CAT,
    intake::{Counts, Intake, Notice, Refusal},
    interpret::Interpreter,
    outlet::{Item, Outlet},
    settings::{PROPERTIES, Settings},
    task::Writer,
};
use crate::{
    engine::{Engine, Model},
    error::Error,
    meta::FrameSize,
    model::Manifest,
    runtime::Library,
    window::WindowPlan,
};

/// The element.
pub struct ArtClassify {
    pub(super) sinkpad: gst::Pad,
    pub(super) srcpad: gst::Pad,
    pub(super) settings: Mutex<Settings>,
    pub(super) engine: Mutex<Option<Arc<Engine>>>,
    /// Locked by the streaming thread only, and while nothing streams.
    pub(super) intake: Mutex<Option<Intake>>,
    /// Taken by the source pad's task for each of its turns.
    pub(super) writer: Mutex<Option<Writer>>,
    pub(super) outlet: Arc<Outlet>,
    pub(super) counts: Mutex<Counts>,
    /// How long a frame waits at most: for its window to fill, and for the model to run.
    pub(super) latency: Mutex<gst::ClockTime>,
    /// Whether downstream takes frames whose layout only GstVideoMeta tells.
    pub(super) video_meta: AtomicBool,
}

/// Locks a mutex; one that a panic poisoned is as good as any other.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
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
            outlet.deliver(outcome, |fault| {
                if let Some(element) = element.upgrade() {
                    element.post_error_message(fault.to_message());
                }
            });
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
            Ok(item) => self.outlet.add(item).map(|()| gst::FlowSuccess::Ok),
            Err(Refusal::NoCaps) => Err(gst::FlowError::NotNegotiated),
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
                // Waits for the task's turn to end. A task that was never started has nothing to pause.
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
        let writer = lock(&self.writer).take();
        if let Some(mut writer) = writer {
            writer.latest = None;
            if let Some(stop) = writer.interpreter.end_of_grid(None) {
                self.post_action(&stop, writer.interpreter.model());
            }
            *lock(&self.writer) = Some(writer);
        }
        self.outlet.open(engine.cancel());
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
