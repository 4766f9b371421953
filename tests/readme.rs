//! The README's tables of manifest keys and properties against what the code reads.

#![allow(clippy::unwrap_used)] // The exemption for tests does not reach their helpers.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use gst::{glib, prelude::*};
use gstartclassify::{
    model::{Activation, Color, KEYS, Manifest, Resize},
    runtime::PROVIDERS,
};

/// A row for each key: its default, and whether it says "needed".
fn table() -> BTreeMap<String, String> {
    table_below("## Models", "| key | default | meaning |")
}

/// The first two cells of each row of the table with the given head below a heading.
fn table_below(heading: &str, head: &str) -> BTreeMap<String, String> {
    let rows = include_str!("../README.md")
        .lines()
        .skip_while(|line| !line.starts_with(heading))
        .skip_while(|line| *line != head)
        .skip(2)
        .take_while(|line| line.starts_with("| "));
    let cells = rows.map(|row| row.split('|').map(|cell| cell.trim().trim_matches('`')).collect::<Vec<_>>());
    cells.map(|cells| (cells[1].to_owned(), cells[2].to_owned())).collect()
}

/// Every key of a clip manifest, a line each.
const CLIP: &[&str] = &[
    "model.name = 'tiny'",
    "model.version = '2'",
    "input.frames = 4",
    "input.fps = 10.0",
    "input.hop = 2",
    "input.width = 8",
    "input.height = 8",
    "input.color = 'bgr'",
    "input.resize = 'crop'",
    "input.layout = 'NTHWC'",
    "input.dtype = 'float32'",
    "input.mean = [1.0, 2.0, 3.0]",
    "input.std = [4.0, 5.0, 6.0]",
    "graph.kind = 'clip'",
    "graph.file = 'clip.onnx'",
    "graph.input = 'frames'",
    "graph.fp16 = true",
    "graph.sha256 = {}",
    "outputs.scores.name = 'logits'",
    "outputs.scores.activation = 'sigmoid'",
    "outputs.boxes.name = 'boxes'",
    "outputs.boxes.format = 'xyxy'",
    "outputs.relevance.name = 'relevance'",
    "outputs.attention.name = 'attention'",
    "outputs.queries.name = 'queries'",
    "labels.names = ['pike', 'background']",
    "labels.background = ['background']",
];

/// The lines by which a split manifest differs.
const SPLIT: &[&str] =
    &["graph.kind = 'split'", "graph.encoder = 'encoder.onnx'", "graph.head = 'head.onnx'"];

/// The lines by which a stream manifest differs.
const STREAM: &[&str] = &[
    "graph.kind = 'stream'",
    "graph.encoder = 'encoder.onnx'",
    "graph.head = 'head.onnx'",
    "graph.state = { before = 'after' }",
    "input.layout = 'NHWC'",
];

fn key(line: &str) -> &str {
    line.split(" =").next().unwrap()
}

/// The clip manifest with the lines of another kind.
fn of_kind(own: &[&'static str]) -> Vec<&'static str> {
    let replaced = |line: &str| key(line) == "graph.file" || own.iter().any(|other| key(other) == key(line));
    CLIP.iter().filter(|line| !replaced(line)).chain(own).copied().collect()
}

fn load(lines: &[&str]) -> Result<Manifest, String> {
    let folder = tempfile::tempdir().unwrap();
    for graph in ["clip.onnx", "encoder.onnx", "head.onnx"] {
        std::fs::write(folder.path().join(graph), b"graph").unwrap();
    }
    std::fs::write(folder.path().join("labels.txt"), "pike\nbackground\n").unwrap();
    std::fs::write(folder.path().join("model.toml"), lines.join("\n")).unwrap();
    Manifest::load(folder.path()).map_err(|fault| fault.to_string())
}

/// The manifest without a key; a `name` takes its whole table along.
fn without<'a>(lines: &[&'a str], gone: &str) -> Vec<&'a str> {
    let table = gone.strip_suffix("name").filter(|_| gone.starts_with("outputs."));
    let belongs = |line: &str| key(line) == gone || table.is_some_and(|table| key(line).starts_with(table));
    lines.iter().copied().filter(|line| !belongs(line)).collect()
}

#[test]
fn the_table_has_the_keys_that_a_manifest_may_have() {
    let sections: BTreeSet<_> = KEYS.iter().map(|(section, _)| *section).collect();
    let full = |section: &str, key: &str| {
        if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
    };
    let keys = KEYS.iter().flat_map(|(section, keys)| keys.iter().map(|key| full(section, key)));
    let leaves: BTreeSet<_> = keys.filter(|key| !sections.contains(key.as_str())).collect();
    assert_eq!(table().into_keys().collect::<BTreeSet<_>>(), leaves);
}

#[test]
fn needed_keys_are_needed_and_others_are_not() {
    load(CLIP).unwrap();
    load(&of_kind(SPLIT)).unwrap();
    load(&of_kind(STREAM)).unwrap();
    for (name, default) in table() {
        let whole = match name.as_str() {
            "graph.encoder" | "graph.head" => of_kind(SPLIT),
            "graph.state" => of_kind(STREAM),
            _ => CLIP.to_vec(),
        };
        let mut rest = without(&whole, &name);
        match name.as_str() {
            "labels.names" => rest.push("labels.file = 'labels.txt'"),
            "labels.file" => {}
            _ => assert_ne!(rest.len(), whole.len(), "{name} is in no manifest of this test"),
        }
        let loaded = load(&rest);
        assert_eq!(loaded.is_err(), default.starts_with("needed"), "{name} ({default}): {loaded:?}");
    }
}

#[test]
fn defaults_are_those_of_the_table() {
    let bare: Vec<_> = table()
        .iter()
        .filter(|(_, default)| !default.starts_with("needed"))
        .fold(CLIP.to_vec(), |lines, (key, _)| without(&lines, key));
    let bare: Vec<_> = bare.into_iter().chain(["labels.names = ['pike', 'background']"]).collect();
    let manifest = load(&bare).unwrap();
    let default = |key: &str| table()[key].trim_matches('`').trim_matches('"').to_owned();

    assert_eq!((manifest.input.hop, default("input.hop")), (manifest.input.frames, "frames".into()));
    assert_eq!((manifest.input.color, default("input.color")), (Color::Rgb, "rgb".into()));
    assert_eq!((manifest.input.resize, default("input.resize")), (Resize::Stretch, "stretch".into()));
    let activation = default("outputs.scores.activation");
    assert_eq!((manifest.outputs.activation, activation), (Activation::Softmax, "softmax".into()));
    assert_eq!((manifest.version.as_str(), default("model.version")), ("", "empty".into()));
    assert_eq!((manifest.fp16, default("graph.fp16")), (false, "false".into()));
    for none in ["input.mean", "graph.sha256", "outputs.boxes.name", "outputs.queries.name"] {
        assert_eq!(default(none), "none");
    }
    assert_eq!(
        (manifest.input.normalize, manifest.outputs.boxes, manifest.outputs.queries),
        (None, None, None)
    );
    assert!(!manifest.labels.has_background());
}

/// A default as the README writes it.
fn written(pspec: &glib::ParamSpec) -> String {
    if !pspec.flags().contains(glib::ParamFlags::WRITABLE) {
        return "read-only".to_owned();
    }
    let value = pspec.default_value();
    if let Some((_, value)) = glib::EnumValue::from_value(value) {
        return value.nick().to_owned();
    }
    match value.type_() {
        glib::Type::STRING => value.get::<Option<String>>().unwrap().unwrap_or_else(|| "none".into()),
        glib::Type::F32 => value.get::<f32>().unwrap().to_string(),
        glib::Type::F64 => value.get::<f64>().unwrap().to_string(),
        glib::Type::BOOL => value.get::<bool>().unwrap().to_string(),
        glib::Type::U32 => value.get::<u32>().unwrap().to_string(),
        glib::Type::U64 => value.get::<u64>().unwrap().to_string(),
        other => panic!("{}: a default of type {other}", pspec.name()),
    }
}

#[test]
fn providers_are_those_of_the_table() {
    let rows = PROVIDERS.iter().map(|row| (format!("`{}`", row.name), row.hardware.to_owned()));
    let readme = include_str!("../README.md");
    let head = "| provider | runs on | needs | kept |";
    let table =
        readme.lines().skip_while(|line| *line != head).skip(2).take_while(|line| line.starts_with("| "));
    let cells = table.map(|row| row.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>());
    let told: Vec<_> = cells.collect();
    assert_eq!(
        told.iter().map(|row| (row[1].clone(), row[2].replace('`', ""))).collect::<Vec<_>>(),
        rows.collect::<Vec<_>>()
    );
    for (row, provider) in told.iter().zip(PROVIDERS) {
        assert_eq!(row[3], provider.needs, "{}", provider.name);
        assert_eq!(row[4], if provider.cached { "yes" } else { "" }, "{}", provider.name);
    }
    let element = gst_inspected("providers");
    assert!(PROVIDERS.iter().all(|row| element.contains(row.name)), "{element}");
}

/// What gst-inspect-1.0 says of a property of `artclassify`.
fn gst_inspected(property: &str) -> String {
    common::init();
    let element = gst::ElementFactory::make("artclassify").build().unwrap();
    element.find_property(property).unwrap().blurb().unwrap().to_string()
}

#[test]
fn property_tables_are_those_of_the_elements() {
    common::init();
    let publishes = if cfg!(feature = "mqtt") { Some("artpublish") } else { None };
    for name in ["artclassify", "artoverlay", "artmetaenc", "artgate"].into_iter().chain(publishes) {
        let element = gst::ElementFactory::make(name).build().unwrap();
        let own = element
            .list_properties()
            .iter()
            .filter(|p| p.owner_type() == element.type_())
            .cloned()
            .collect::<Vec<_>>();
        let real: BTreeMap<_, _> = own.iter().map(|p| (p.name().to_owned(), written(p))).collect();
        assert_eq!(table_below(&format!("### `{name}`"), "| property | default | meaning |"), real, "{name}");
    }
}
