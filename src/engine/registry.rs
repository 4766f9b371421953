//! The engines of the process, so that streams of one model share it.

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::SystemTime,
};

use once_cell::sync::Lazy;

use super::{Engine, Proof, Request};
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
        let graphs = manifest.graph.files();
        let named = std::iter::once(manifest.path.as_path()).chain(graphs.iter().copied());
        let mut files: Vec<FileStamp> = named.map(FileStamp::new).collect();
        let folders: BTreeSet<&Path> = graphs.iter().filter_map(|graph| graph.parent()).collect();
        let beside =
            folders.iter().flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten().flatten());
        let mut beside: Vec<PathBuf> =
            beside.map(|entry| entry.path()).filter(|path| may_be_weights(path)).collect();
        beside.sort();
        files.extend(beside.iter().map(|path| FileStamp::new(path)));
        Self {
            name: name.to_owned(),
            files,
            chain: request.chain.clone(),
            strict: request.strict,
            settings: request.settings.clone(),
            batch: request.batch,
            classes: manifest.labels.len(),
        }
    }
}

/// Whether exporters write weights into files of that name, beside the graph that they belong to.
fn may_be_weights(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    [".data", "_data", ".bin", ".weights"].iter().any(|end| name.ends_with(end))
}

/// Engines by key. Those that nobody uses are gone, and their places are cleared when another is asked for.
static ENGINES: Lazy<Mutex<HashMap<Key, Arc<Place>>>> = Lazy::new(Mutex::default);

/// The place of an engine: locked while it loads, so that others wait for it rather than load it again.
type Place = Mutex<Weak<Engine>>;

/// The engine of a key: the one that is at work, or a new one with the model that `load` gives.
///
/// # Errors
/// What `load` says, or when the system gives no thread.
pub fn shared(key: &Key, load: impl FnOnce() -> Result<Proof, Error>) -> Result<Arc<Engine>, Error> {
    let place = {
        let mut engines = ENGINES.lock().unwrap_or_else(PoisonError::into_inner);
        engines.retain(|other, place| {
            other == key
                || Arc::strong_count(place) > 1
                || place.try_lock().is_ok_and(|engine| engine.strong_count() > 0)
        });
        Arc::clone(engines.entry(key.clone()).or_default())
    };
    let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(engine) = place.upgrade() {
        return Ok(engine);
    }
    let engine = Arc::new(Engine::start(load()?)?);
    *place = Arc::downgrade(&engine);
    Ok(engine)
}
