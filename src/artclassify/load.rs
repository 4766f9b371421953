//! From the settings to a model that is ready to run.

use std::{path::Path, sync::Arc};

use super::settings::Settings;
use crate::{
    engine::{Engine, Key, Notice, Request, shared},
    error::Error,
    model::Manifest,
    runtime::{Chain, Library, SessionSettings},
    window::WindowPlan,
};

/// A loaded model and how the stream is to be cut into windows for it.
pub struct Loaded {
    /// What the model says of itself.
    pub manifest: Arc<Manifest>,
    /// The model, warmed up, perhaps with other streams.
    pub engine: Arc<Engine>,
    /// The windows.
    pub plan: WindowPlan,
    /// What runs it.
    pub library: &'static Library,
}

impl Loaded {
    /// Loads the model that the settings name onto the first of their providers that runs it. `tell` is called as
    /// providers are tried, unless the model is at work for another stream.
    ///
    /// # Errors
    /// What is wrong with the settings, the model, the providers or ONNX Runtime.
    pub fn new(
        settings: &Settings,
        plugin_folder: Option<&Path>,
        tell: &dyn Fn(&Notice<'_>),
    ) -> Result<Self, Error> {
        let Some(location) = &settings.model else {
            return Err(Error::Property {
                name: "model",
                found: "nothing".into(),
                expected: "a folder with a model.toml, or that file".into(),
            });
        };
        let chain = settings.providers.as_deref().map_or(Ok(Chain::Auto), Chain::parse)?;
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
        let library = Library::get(plugin_folder)?;
        let session = SessionSettings {
            device: settings.device,
            threads: settings.threads as usize,
            arena: settings.memory_arena,
            ..SessionSettings::default()
        };
        let request = Request {
            manifest: &manifest,
            library,
            chain: &chain,
            strict: settings.strict,
            settings: &session,
            workers: settings.workers as usize,
            batch: settings.batch_size as usize,
        };
        let key = Key::new(settings.engine.as_deref().unwrap_or_default(), &request);
        let engine = shared(&key, || request.prove(tell))?;
        // One window runs and the next is on its way in any case: further workers have one each.
        let plan = plan.with_further((engine.workers() as u64).saturating_sub(2));
        Ok(Self { manifest: Arc::new(manifest), engine, plan, library })
    }

    /// How long a window waits for its result, and how long a frame waits for that at most, in nanoseconds. The first
    /// goes by the run of the warm-up, and where the model is too slow for every window, up to the next one longer. The
    /// second is the length of a window: video is not held up longer for results that are as old as that.
    pub fn result_time(&self) -> (u64, u64) {
        let span = |samples: u64| (samples as f64 / self.manifest.input.fps * 1e9) as u64;
        let run = u64::try_from(self.engine.run_time().as_nanos()).unwrap_or(u64::MAX);
        let apart = span(self.plan.hop());
        let waits = if run > apart.saturating_mul(self.engine.workers() as u64) {
            run.saturating_add(apart)
        } else {
            run
        };
        (waits, span(self.plan.frames()))
    }

    /// What the stats say of it.
    pub fn running(&self) -> super::stats::Running {
        super::stats::Running {
            model: self.manifest.name.clone(),
            provider: self.engine.choice().to_string(),
            nodes: self.engine.nodes().to_owned(),
            runtime: self.library.version().to_owned(),
            workers: self.engine.workers() as u64,
        }
    }
}
