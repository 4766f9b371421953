//! From the settings to a model that is ready to run.

use std::{path::Path, sync::Arc};

use super::settings::Settings;
use crate::{
    engine::{Engine, Key, Model, shared},
    error::Error,
    model::Manifest,
    runtime::{Library, PROVIDER},
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
    /// Loads the model that the settings name.
    ///
    /// # Errors
    /// What is wrong with the settings, the model or ONNX Runtime.
    pub fn new(settings: &Settings, plugin_folder: Option<&Path>) -> Result<Self, Error> {
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
        let library = Library::get(plugin_folder)?;
        let (threads, batch) = (settings.threads as usize, settings.batch_size as usize);
        let key = Key::new(&manifest, settings.engine.as_deref().unwrap_or_default(), threads, batch);
        let engine = shared(&key, || Model::load(&manifest, library, threads, batch))?;
        Ok(Self { manifest: Arc::new(manifest), engine, plan, library })
    }

    /// How long a window waits for its result, and how long a frame waits for that at most, in nanoseconds. The first
    /// goes by the run of the warm-up, and where the model is too slow for every window, up to the next one longer. The
    /// second is the length of a window: video is not held up longer for results that are as old as that.
    pub fn result_time(&self) -> (u64, u64) {
        let span = |samples: u64| (samples as f64 / self.manifest.input.fps * 1e9) as u64;
        let run = u64::try_from(self.engine.run_time().as_nanos()).unwrap_or(u64::MAX);
        let apart = span(self.plan.hop());
        let waits = if run > apart { run.saturating_add(apart) } else { run };
        (waits, span(self.plan.frames()))
    }

    /// What the stats say of it.
    pub fn running(&self) -> super::stats::Running {
        super::stats::Running {
            model: self.manifest.name.clone(),
            provider: PROVIDER,
            runtime: self.library.version().to_owned(),
        }
    }
}
