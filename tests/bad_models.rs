//! Models that are refused over and over in one process: each time one error, and nothing is left behind.

#![allow(clippy::unwrap_used)] // Helpers of tests stand outside of test functions.

mod common;

use std::path::{Path, PathBuf};

use gst::prelude::*;

/// Rounds before memory is measured: allocators and ONNX Runtime keep some of what they took at first.
const FIRST: usize = 15;

/// Rounds between the two measurements.
const ROUNDS: usize = 60;

/// Memory that may come and go, in bytes. Sessions that stay behind take more.
const NOISE: usize = 4 << 20;

/// What is replaced in a manifest of `tests/fixtures/colours`, and a word of the error; none where it is sound.
const MODELS: &[(&str, &str, &str, Option<&str>)] = &[
    ("model.toml", "", "", None),
    ("model.toml", "fps = 10.0", "fps = nan", Some("input.fps")),
    ("model.toml", "width = 8", "width = 9", Some("[1, 8, 9, 3]")),
    ("model.toml", "\"logits\"", "\"scores\"", Some("outputs.scores")),
    ("model.toml", "\"red\", ", "", Some("2 labels")),
    ("model.toml", "encoder = \"encoder.onnx\"", "encoder = \"clip.onnx\"", Some("(NHWC)")),
    ("model.toml", "head = \"head.onnx\"", "head = \"model.toml\"", Some("cannot load this graph")),
    ("clip.toml", "\"NTHWC\"", "\"NCTHW\"", Some("(NCTHW)")),
    ("clip.toml", "frames = 4", "frames = 8192", Some("at most 600 s")),
    ("clip.toml", "clip.onnx", "head.onnx", Some("expected uint8")),
];

/// An element that is to load a model, and what its error has to say.
struct Bench {
    element: gst::Element,
    bus: gst::Bus,
    word: Option<&'static str>,
}

impl Bench {
    fn new(folder: &Path, number: usize) -> Self {
        let (file, from, to, word) = MODELS[number];
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/colours");
        let text = std::fs::read_to_string(fixture.join(file)).unwrap();
        assert!(text.contains(from), "{from:?} is not in {file}");
        let model = folder.join(number.to_string());
        std::fs::create_dir(&model).unwrap();
        for graph in ["clip.onnx", "encoder.onnx", "head.onnx"] {
            std::os::unix::fs::symlink(fixture.join(graph), model.join(graph)).unwrap();
        }
        std::fs::write(model.join("model.toml"), text.replacen(from, to, 1)).unwrap();
        let element = gst::ElementFactory::make("artclassify")
            .property("model", model.to_str().unwrap())
            .property("threads", 1u32)
            .build()
            .unwrap();
        let bus = gst::Bus::new();
        element.set_bus(Some(&bus));
        Self { element, bus, word }
    }

    /// Starts and stops the element.
    fn cycle(&self) {
        let started = self.element.set_state(gst::State::Paused);
        self.element.set_state(gst::State::Null).unwrap();
        let posted = || self.bus.pop_filtered(&[gst::MessageType::Error]);
        let faults: Vec<String> = std::iter::from_fn(posted)
            .map(|message| match message.view() {
                gst::MessageView::Error(error) => error.error().to_string(),
                other => format!("{other:?}"),
            })
            .collect();
        match self.word {
            None => assert!(started.is_ok() && faults.is_empty(), "{faults:?}"),
            Some(word) => {
                assert!(started.is_err(), "{word} was not refused");
                assert_eq!(faults.len(), 1, "{faults:?}");
                assert!(faults[0].contains(word) && faults[0].contains("expected"), "{faults:?}");
            }
        }
        self.bus.set_flushing(true);
        self.bus.set_flushing(false);
    }
}

/// What this process holds.
#[derive(Debug)]
struct Held {
    memory: usize,
    files: Vec<PathBuf>,
    threads: usize,
}

fn held() -> Held {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let number = |key: &str| -> usize {
        let line = status.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let open = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    let mut files: Vec<PathBuf> = open.filter_map(|entry| std::fs::read_link(entry.path()).ok()).collect();
    files.sort();
    Held { memory: number("VmRSS:") * 1024, files, threads: number("Threads:") }
}

#[test]
fn models_that_are_refused_leave_nothing_behind() {
    common::init();
    let folder = tempfile::tempdir().unwrap();
    let benches: Vec<Bench> = (0..MODELS.len()).map(|number| Bench::new(folder.path(), number)).collect();
    let round = || benches.iter().for_each(Bench::cycle);
    (0..FIRST).for_each(|_| round());
    let before = held();
    (0..ROUNDS).for_each(|_| round());
    let after = held();
    assert!(after.memory < before.memory + NOISE, "{before:?} {after:?}");
    assert_eq!(after.files, before.files);
    assert!(after.threads <= before.threads, "{before:?} {after:?}");
    println!("{} bytes before, {} after", before.memory, after.memory);

    let weak: Vec<_> = benches.iter().map(|bench| bench.element.downgrade()).collect();
    drop(benches);
    assert!(weak.iter().all(|element| element.upgrade().is_none()));
}
