//! The keys that a manifest may have.

/// Every key that a manifest may have, by section.
pub const KEYS: &[(&str, &[&str])] = &[
    ("", &["model", "input", "graph", "outputs", "labels"]),
    ("model", &["name", "version"]),
    (
        "input",
        &["frames", "fps", "hop", "width", "height", "color", "resize", "layout", "dtype", "mean", "std"],
    ),
    ("graph", &["kind", "file", "encoder", "head", "state", "input", "fp16", "sha256"]),
    ("outputs", &["scores", "boxes", "relevance", "attention", "queries"]),
    ("outputs.scores", &["name", "activation"]),
    ("outputs.boxes", &["name", "format"]),
    ("outputs.relevance", &["name"]),
    ("outputs.attention", &["name"]),
    ("outputs.queries", &["name"]),
    ("labels", &["file", "names", "background"]),
];

/// The keys of a section; `None` where a section has keys of the model's own, such as file names.
#[must_use]
pub fn keys_of(section: &str) -> Option<&'static [&'static str]> {
    KEYS.iter().find(|(name, _)| *name == section).map(|(_, keys)| *keys)
}
