//! Starting and stopping the model, and changing it while the stream goes on.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    thread::JoinHandle,
    time::Duration,
};

use gst::{prelude::*, subclass::prelude::*};

use super::{
    CAT, announce,
    choices::{EosPolicy, Roi},
    imp::{ArtClassify, lock},
    intake::{Intake, Target},
    interpret::Interpreter,
    line::Item,
    load::Loaded,
    objects::{Join, Objects},
    pace::Pace,
    settings::Settings,
    task::Writer,
};
use crate::{
    engine::{Engine, Notice, Outcome, Stream},
    error::Error,
    meta::{self, FrameSize},
    model::{Manifest, Slots},
    sticky,
};

/// A change of the model under way.
#[derive(Default)]
pub(super) struct Swap {
    /// Counts the changes asked for: a model that was overtaken while it loaded is dropped.
    asked: u64,
    thread: Option<JoinHandle<()>>,
    loaded: Option<(Settings, Loaded)>,
    /// The value of the property `model` that is at work.
    active: Option<String>,
    /// What the model at work says of itself.
    manifest: Option<Arc<Manifest>>,
    /// The execution provider that runs it.
    provider: Option<String>,
}

impl ArtClassify {
    fn plugin_folder(&self) -> Option<PathBuf> {
        let file = self.obj().factory()?.plugin()?.filename()?;
        file.parent().map(Path::to_owned)
    }

    /// Loads the model and joins its engine.
    pub(super) fn start(&self) -> Result<(), Error> {
        let settings = lock(&self.settings).clone();
        let tell = |notice: &Notice<'_>| announce::post(&self.obj(), notice);
        let loaded = Loaded::new(&settings, self.plugin_folder().as_deref(), &tell)?;
        self.announce(&loaded);
        self.stats.clear();
        self.stats.set_running(loaded.running());
        let run = loaded.result_time();
        let intake = Intake::new(
            loaded.manifest.input.clone(),
            Slots::new(loaded.engine.writer().clone()),
            settings.alignment,
            loaded.plan,
            settings.gap_tolerance,
            self.objects(&settings, &loaded),
            Arc::clone(&self.stats),
        );
        *lock(&self.pace) = Pace::new(settings.alignment, settings.policy, intake.wait(), run);
        *lock(&self.writer) = Some(Box::new(Writer {
            interpreter: Interpreter::new(&loaded.manifest),
            latest: BTreeMap::new(),
            size: FrameSize { width: 0, height: 0 },
            roi: settings.roi,
        }));
        *lock(&self.intake) = Some(intake);
        {
            let mut swap = lock(&self.swap);
            swap.active = settings.model;
            swap.manifest = Some(Arc::clone(&loaded.manifest));
        }
        let provider = loaded.engine.choice().to_string();
        self.outlet.open();
        self.outlet.set_further(loaded.plan.further());
        let stream = self.joiner(loaded.engine, settings.batch_timeout)(None);
        self.outlet.clear_tally();
        *lock(&self.stream) = Some(stream);
        self.set_active_provider(Some(provider));
        Ok(())
    }

    /// The execution provider that runs the model.
    pub(super) fn active_provider(&self) -> Option<String> {
        lock(&self.swap).provider.clone()
    }

    fn set_active_provider(&self, provider: Option<String>) {
        let before = std::mem::replace(&mut lock(&self.swap).provider, provider.clone());
        if before != provider {
            self.obj().notify("active-provider");
        }
    }

    fn announce(&self, loaded: &Loaded) {
        let library = loaded.library;
        gst::info!(
            CAT,
            imp = self,
            "{} runs on {} of ONNX Runtime {}, {}; nodes: {}",
            loaded.manifest.name,
            loaded.engine.choice(),
            library.version(),
            library.path().display(),
            loaded.engine.nodes()
        );
    }

    /// What follows the objects, where they have windows of their own.
    fn objects(&self, settings: &Settings, loaded: &Loaded) -> Option<Objects> {
        let join = self.joiner(Arc::clone(&loaded.engine), settings.batch_timeout);
        let most = settings.max_objects as usize;
        (settings.roi == Roi::Meta).then(|| Objects::new(most, loaded.manifest.input.frames, join))
    }

    /// What gives the whole picture, or an object, a stream to the model, of the outlet's generation.
    fn joiner(&self, engine: Arc<Engine>, patience: u64) -> Join {
        let outlet = Arc::clone(&self.outlet);
        let stats = Arc::clone(&self.stats);
        let element = self.obj().downgrade();
        Box::new(move |object| {
            let generation = outlet.generation();
            let (outlet, stats, element) = (Arc::clone(&outlet), Arc::clone(&stats), element.clone());
            let deliver = move |outcome: Outcome| {
                let ran = outcome.ran;
                let waited = outlet.deliver(object, outcome, |fault| {
                    if let Some(element) = element.upgrade() {
                        element.post_error_message(fault.to_message());
                    }
                });
                let Some(waited) = waited else { return };
                stats.classified(ran, waited);
                if let Some(element) = element.upgrade() {
                    let imp = element.imp();
                    let changed = lock(&imp.pace).took(waited);
                    imp.latency_changed(changed);
                }
            };
            let stream = Stream::join(Arc::clone(&engine), Duration::from_nanos(patience), deliver);
            stream.begin(generation);
            Arc::new(stream)
        })
    }

    /// Follows a changed latency: holds as many frames, and tells the application to ask again, where a live pipeline has
    /// to know.
    pub(super) fn latency_changed(&self, changed: bool) {
        let (live, most) = {
            let pace = lock(&self.pace);
            (pace.live() == Some(true), pace.limit())
        };
        self.outlet.set_limit(most as usize);
        if changed && live {
            let message = gst::message::Latency::builder().src(&*self.obj()).build();
            // Fails only where no application listens.
            let _ = self.obj().post_message(message);
        }
    }

    pub(super) fn stop(&self) {
        let loading = {
            let mut swap = lock(&self.swap);
            swap.asked += 1;
            swap.loaded = None;
            swap.active = None;
            swap.manifest = None;
            self.swap_ready.store(false, Ordering::Relaxed);
            swap.thread.take()
        };
        if let Some(thread) = loading {
            // A panic of the thread was reported by it.
            let _ = thread.join();
        }
        let stream = lock(&self.stream).take();
        drop(stream);
        // The streaming thread may have submitted a window while the pads were closed.
        self.outlet.close();
        *lock(&self.intake) = None;
        *lock(&self.writer) = None;
        *lock(&self.pace) = Pace::default();
        self.set_active_provider(None);
    }

    /// Ends all waiting: what is on its way is dropped, but for the events that upstream will not send again.
    pub(super) fn close(&self) {
        sticky::store(&self.srcpad, self.outlet.close());
        if let Some(stream) = &*lock(&self.stream) {
            stream.begin(u64::MAX);
        }
    }

    /// Begins anew after a flush.
    pub(super) fn restart(&self) {
        let Ok(stream) = self.stream() else { return };
        if let Some(intake) = &mut *lock(&self.intake) {
            intake.flush();
        }
        let writer = lock(&self.writer).take();
        if let Some(mut writer) = writer {
            writer.latest.clear();
            // A new model that was in line did not come past.
            if let Some(manifest) = lock(&self.swap).manifest.as_deref() {
                writer.interpreter.set_model(manifest);
            }
            let caps = self.srcpad.current_caps();
            if let Some(info) = caps.and_then(|caps| gst_video::VideoInfo::from_caps(&caps).ok()) {
                writer.set_info(&info);
            }
            for event in writer.interpreter.end_of_grid(None) {
                self.post_action(&event, writer.interpreter.model());
            }
            *lock(&self.writer) = Some(writer);
        }
        stream.begin(self.outlet.open());
    }

    /// The property `model` was set while a model is at work: loads the new one beside it.
    pub(super) fn load_beside(&self) {
        if lock(&self.stream).is_none() {
            return;
        }
        let settings = lock(&self.settings).clone();
        let mut swap = lock(&self.swap);
        swap.asked += 1;
        // One that waits for the end of a window is overtaken too.
        swap.loaded = None;
        self.swap_ready.store(false, Ordering::Relaxed);
        let asked = swap.asked;
        let before = swap.thread.take();
        let element = self.obj().downgrade();
        let folder = self.plugin_folder();
        let spawned = std::thread::Builder::new().name("artclassify-load".into()).spawn(move || {
            if let Some(thread) = before {
                // One at a time. A panic of the thread was reported by it.
                let _ = thread.join();
            }
            let wanted = |element: &super::ArtClassify| lock(&element.imp().swap).asked == asked;
            if !element.upgrade().is_some_and(|element| wanted(&element)) {
                return;
            }
            let tell = |notice: &Notice<'_>| {
                if let Some(element) = element.upgrade() {
                    announce::post(&element, notice);
                }
            };
            let loaded = Loaded::new(&settings, folder.as_deref(), &tell);
            if let Some(element) = element.upgrade() {
                element.imp().loaded_beside(asked, settings, loaded);
            }
        });
        match spawned {
            Ok(thread) => swap.thread = Some(thread),
            Err(fault) => {
                drop(swap);
                self.refuse(&Error::Thread(fault));
            }
        }
    }

    fn loaded_beside(&self, asked: u64, settings: Settings, loaded: Result<Loaded, Error>) {
        let mut swap = lock(&self.swap);
        if swap.asked != asked {
            return;
        }
        match loaded {
            Ok(loaded) => {
                swap.loaded = Some((settings, loaded));
                self.swap_ready.store(true, Ordering::Release);
            }
            Err(fault) => {
                drop(swap);
                self.refuse(&fault);
            }
        }
    }

    /// A new model cannot be used: the one at work goes on.
    fn refuse(&self, fault: &Error) {
        let active = lock(&self.swap).active.clone();
        lock(&self.settings).model.clone_from(&active);
        gst::element_imp_warning!(
            self,
            gst::ResourceError::Settings,
            ("{fault}; the model {} goes on", active.as_deref().unwrap_or_default())
        );
        self.obj().notify("model");
    }

    /// Changes over to the model that was loaded beside, if there is one and a window has just ended.
    pub(super) fn swap_if_ready(&self) {
        if !self.swap_ready.load(Ordering::Acquire) {
            return;
        }
        let mut guard = lock(&self.intake);
        let Some(intake) = guard.as_mut().filter(|intake| intake.at_boundary()) else { return };
        let next = {
            let mut swap = lock(&self.swap);
            self.swap_ready.store(false, Ordering::Relaxed);
            swap.loaded.take()
        };
        let Some((settings, loaded)) = next else { return };
        let Ok(before) = self.stream() else { return };
        let run = loaded.result_time();
        let running = loaded.running();
        let provider = Some(running.provider.clone());
        let slots = Slots::new(loaded.engine.writer().clone());
        let converter = match intake.converter_for(&loaded.manifest.input) {
            Ok(converter) => converter,
            Err(fault) => {
                drop(guard);
                return self.refuse(&fault);
            }
        };
        let waiting = lock(&self.pace).waiting();
        intake.end(EosPolicy::Drop, &Target { stream: &before, outlet: &self.outlet, waiting });
        let objects = self.objects(&settings, &loaded);
        intake.set_model(loaded.manifest.input.clone(), slots, loaded.plan, converter, objects);
        let (wait, frame) = (intake.wait(), intake.frame_duration());
        drop(guard);
        self.outlet.set_further(loaded.plan.further());
        let stream = self.joiner(loaded.engine, settings.batch_timeout)(None);
        *lock(&self.stream) = Some(stream);
        let changed = {
            let mut pace = lock(&self.pace);
            let latency = pace.latency();
            pace.set_run(run);
            pace.set_window(wait, frame);
            pace.latency() != latency
        };
        self.latency_changed(changed);
        self.stats.set_running(running);
        {
            let mut swap = lock(&self.swap);
            swap.active.clone_from(&settings.model);
            swap.manifest = Some(Arc::clone(&loaded.manifest));
        }
        self.set_active_provider(provider);
        let name = loaded.manifest.name.clone();
        gst::info!(CAT, imp = self, "the model is now {name}");
        // Refused by a flush, after which the new model is made known otherwise.
        let _ = self.add(Item::Model { manifest: loaded.manifest, before });
        let structure = meta::model_structure(&name, settings.model.as_deref().unwrap_or_default());
        let message = gst::message::Element::builder(structure).src(&*self.obj()).build();
        // Fails only where no application listens.
        let _ = self.obj().post_message(message);
    }
}
