//! The files that a model is made of.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use crate::model::Manifest;

/// The graphs of a model, and the files beside them that may hold their weights.
pub(super) fn of(manifest: &Manifest) -> Vec<PathBuf> {
    let graphs = manifest.graph.files();
    let folders: BTreeSet<&Path> = graphs.iter().filter_map(|graph| graph.parent()).collect();
    let beside = folders.iter().flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten().flatten());
    let beside: BTreeSet<PathBuf> =
        beside.map(|entry| entry.path()).filter(|path| may_be_weights(path)).collect();
    graphs.into_iter().map(Path::to_owned).chain(beside).collect()
}

/// Their size in bytes. Files that are not there count nothing.
pub(super) fn bytes(manifest: &Manifest) -> u64 {
    of(manifest).iter().filter_map(|file| std::fs::metadata(file).ok()).map(|file| file.len()).sum()
}

/// Whether exporters write weights into files of that name, beside the graph that they belong to.
fn may_be_weights(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    [".data", "_data", ".bin", ".weights"].iter().any(|end| name.ends_with(end))
}
