//! Manifests of any bytes, beside files that a sound one names.

#![no_main]

use std::{path::PathBuf, sync::LazyLock};

use gstartclassify::model::Manifest;
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

/// The folder of the manifest: graphs and labels are there.
static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = TempDir::new().expect("a folder for the graphs");
    for file in ["clip.onnx", "encoder.onnx", "head.onnx"] {
        std::fs::write(folder.path().join(file), b"graph").expect("a graph");
    }
    std::fs::write(folder.path().join("labels.txt"), b"pike\ntuck\nbackground\n").expect("a labels file");
    folder
});

static PATH: LazyLock<PathBuf> = LazyLock::new(|| FOLDER.path().join("model.toml"));

fuzz_target!(|data: &[u8]| {
    // No file outside of the folder.
    if data.contains(&b'/') {
        return;
    }
    let manifest = match Manifest::parse(data, &PATH) {
        Ok(manifest) => manifest,
        Err(fault) => return assert!(fault.to_string().starts_with(&*FOLDER.path().to_string_lossy())),
    };
    let input = &manifest.input;
    assert!((1..=input.frames).contains(&input.hop) && input.width > 0 && input.height > 0);
    assert!(input.fps.is_finite() && input.fps > 0.0);
    assert!(!manifest.labels.is_empty() && !manifest.graph.files().is_empty());
    if let Some((mean, std)) = &input.normalize {
        assert_eq!((mean.len(), std.len()), (input.channels(), input.channels()));
        assert!(!std.contains(&0.0));
    }
});
