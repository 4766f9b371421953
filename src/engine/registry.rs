//! The engines of the process, so that streams of one model share it.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
    time::SystemTime,
};

use once_cell::sync::Lazy;

use super::{Engine, Proof, Request, files};
use crate::{
    error::Error,
    runtime::{Chain, SessionSettings},
};

/// What streams must have in common to share an engine.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// The name that was given to it; may be empty.
    pub name: String,
    /// The files of the model, and those with weights beside its graphs, as they are now.
    files: Vec<FileStamp>,
    /// The execution providers that may run it.
    chain: Chain,
    /// Whether only the first of them may.
    strict: bool,
    /// Settings of its sessions.
    settings: SessionSettings,
    /// Runs at a time, as asked for.
    workers: usize,
    /// Largest batch.
    batch: usize,
    /// Number of labels, which the outputs are checked against.
    classes: usize,
}

/// A file as it was when it was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct FileStamp {
    path: PathBuf,
    size: Option<u64>,
    changed: Option<SystemTime>,
}

impl FileStamp {
    fn new(path: &Path) -> Self {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let data = std::fs::metadata(&path).ok();
        let size = data.as_ref().map(std::fs::Metadata::len);
        Self { size, changed: data.and_then(|data| data.modified().ok()), path }
    }
}

impl Key {
    /// The key of a model that runs as requested in the engine of that name.
    #[must_use]
    pub fn new(name: &str, request: &Request<'_>) -> Self {
        let manifest = request.manifest;
        let named = std::iter::once(manifest.path.clone());
        let files = named.chain(files::of(manifest)).map(|path| FileStamp::new(&path)).collect();
        Self {
            name: name.to_owned(),
            files,
            chain: request.chain.clone(),
            strict: request.strict,
            settings: request.settings.clone(),
            workers: request.workers,
            batch: request.batch,
            classes: manifest.labels.len(),
        }
    }
}

/// Engines by key. Those that nobody uses are gone, and their places are cleared when another is asked for.
static ENGINES: Lazy<Mutex<HashMap<Key, Arc<Place>>>> = Lazy::new(Mutex::default);

/// The place of an engine.
#[derive(Default)]
struct Place {
    content: Mutex<Content>,
    changed: Condvar,
}

/// What is in the place of an engine.
#[derive(Default)]
enum Content {
    /// Nothing: whoever comes loads it.
    #[default]
    Nothing,
    /// Somebody loads it, for whom others wait rather than load it again.
    Loading,
    /// The engine, while somebody uses it.
    Engine(Weak<Engine>),
}

impl Place {
    fn lock(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an engine is there or on its way.
    fn is_taken(&self) -> bool {
        match &*self.lock() {
            Content::Nothing => false,
            Content::Loading => true,
            Content::Engine(engine) => engine.strong_count() > 0,
        }
    }

    /// The engine that is there, once it is loaded; or the right to load it.
    fn engine_or_filling(&self) -> Result<Arc<Engine>, Filling<'_>> {
        let mut content = self.lock();
        while matches!(*content, Content::Loading) {
            content = self.changed.wait(content).unwrap_or_else(PoisonError::into_inner);
        }
        let engine = match &*content {
            Content::Engine(engine) => engine.upgrade(),
            Content::Nothing | Content::Loading => None,
        };
        engine.ok_or_else(|| {
            *content = Content::Loading;
            Filling { place: self, content: Content::Nothing }
        })
    }
}

/// The right and the duty to fill a place: what is not filled when it is dropped is free for the next who comes.
struct Filling<'a> {
    place: &'a Place,
    content: Content,
}

impl Drop for Filling<'_> {
    fn drop(&mut self) {
        *self.place.lock() = std::mem::take(&mut self.content);
        self.place.changed.notify_all();
    }
}

/// The engine of a key: the one that is at work, or a new one with the model that `load` gives. No lock is held meanwhile.
///
/// # Errors
/// What `load` says, or when the system gives no thread.
pub fn shared(key: &Key, load: impl FnOnce() -> Result<Proof, Error>) -> Result<Arc<Engine>, Error> {
    let place = {
        let mut engines = ENGINES.lock().unwrap_or_else(PoisonError::into_inner);
        engines.retain(|other, place| other == key || Arc::strong_count(place) > 1 || place.is_taken());
        Arc::clone(engines.entry(key.clone()).or_default())
    };
    match place.engine_or_filling() {
        Ok(engine) => Ok(engine),
        Err(mut filling) => {
            let engine = Arc::new(Engine::start(load()?)?);
            filling.content = Content::Engine(Arc::downgrade(&engine));
            Ok(engine)
        }
    }
}
