//! Pads, states and properties of `artclassify`.

use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, atomic::AtomicBool};

use gst::{glib, prelude::*, subclass::prelude::*};

use super::{
    CAT,
    intake::Intake,
    outlet::Outlet,
    pace::Pace,
    run::Swap,
    settings::{PROPERTIES, Settings},
    stats::Stats,
    task::Writer,
};
use crate::engine::Stream;

/// The element.
pub struct ArtClassify {
    pub(super) sinkpad: gst::Pad,
    pub(super) srcpad: gst::Pad,
    pub(super) settings: Mutex<Settings>,
    pub(super) stream: Mutex<Option<Arc<Stream>>>,
    /// Locked by the streaming thread only, and while nothing streams.
    pub(super) intake: Mutex<Option<Intake>>,
    /// Taken by the source pad's task for each of its turns.
    pub(super) writer: Mutex<Option<Box<Writer>>>,
    pub(super) outlet: Arc<Outlet>,
    pub(super) stats: Arc<Stats>,
    pub(super) pace: Mutex<Pace>,
    pub(super) swap: Mutex<Swap>,
    /// Whether a model waits in `swap` to take over.
    pub(super) swap_ready: AtomicBool,
    /// Whether downstream takes frames whose layout only GstVideoMeta tells.
    pub(super) video_meta: AtomicBool,
}

/// Locks a mutex; one that a panic poisoned is as good as any other.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ArtClassify {
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
            .event_full_function(|pad, parent, event| {
                let failed = || Err(gst::FlowError::Error);
                Self::catch_panic_pad_function(parent, failed, |imp| imp.sink_event(pad, event))
            })
            .query_function(|pad, parent, query| {
                Self::catch_panic_pad_function(parent, || false, |imp| imp.sink_query(pad, query))
            })
            .activatemode_function(Self::activate_pad)
            // Caps may leave out what is not needed, as the frame rate.
            .flags(gst::PadFlags::PROXY_CAPS | gst::PadFlags::ACCEPT_INTERSECT)
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
            stream: Mutex::default(),
            intake: Mutex::default(),
            writer: Mutex::default(),
            outlet: Arc::default(),
            stats: Arc::default(),
            pace: Mutex::default(),
            swap: Mutex::default(),
            swap_ready: AtomicBool::new(false),
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
        if pspec.name() == "model" {
            self.load_beside();
        }
    }

    fn property(&self, _id: usize, pspec: &glib::ParamSpec) -> glib::Value {
        if pspec.name() == "active-provider" {
            return self.active_provider().to_value();
        }
        let value = lock(&self.settings).get(pspec.name());
        value.unwrap_or_else(|| self.stats.to_structure(self.outlet.tally()).to_value())
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
