//! Execution providers where ONNX Runtime has only the CPU's: what cannot run is told, and the next one is taken.

#![allow(clippy::unwrap_used)] // Helpers of tests stand outside of test functions.

mod common;

use std::sync::{Arc, Mutex};

use common::bench::fixture;
use gst::prelude::*;

/// What a start of an element with the tiny model left behind.
struct Started {
    element: gst::Element,
    well: bool,
    warnings: Vec<String>,
    errors: Vec<String>,
    /// The values of `active-provider`, at each notification.
    active: Arc<Mutex<Vec<Option<String>>>>,
}

impl Started {
    fn new(providers: Option<&str>, strict: bool) -> Self {
        Self::with_model(&fixture("model.toml"), providers, strict)
    }

    fn with_model(model: &std::path::Path, providers: Option<&str>, strict: bool) -> Self {
        common::init();
        let element = gst::ElementFactory::make("artclassify")
            .property("model", model.to_str())
            .property("providers", providers)
            .property("strict", strict)
            .build()
            .unwrap();
        let active = Arc::<Mutex<Vec<_>>>::default();
        let seen = Arc::clone(&active);
        element.connect_notify(Some("active-provider"), move |element, _| {
            seen.lock().unwrap().push(element.property("active-provider"));
        });
        let bus = gst::Bus::new();
        element.set_bus(Some(&bus));
        let well = element.set_state(gst::State::Paused).is_ok();
        let (mut warnings, mut errors) = (Vec::new(), Vec::new());
        while let Some(message) = bus.pop() {
            match message.view() {
                gst::MessageView::Warning(warning) => warnings.push(warning.error().to_string()),
                gst::MessageView::Error(error) => errors.push(error.error().to_string()),
                _ => {}
            }
        }
        element.set_bus(None);
        Self { element, well, warnings, errors, active }
    }

    /// Stops, and gives the values of `active-provider` from the start on.
    fn stop(&self) -> Vec<Option<String>> {
        self.element.set_state(gst::State::Null).unwrap();
        self.active.lock().unwrap().clone()
    }
}

fn assert_says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "no {word:?} in: {text}");
    }
}

#[test]
fn auto_takes_the_cpu_where_there_is_nothing_else() {
    for providers in [Some("auto"), Some("cpu"), None] {
        let started = Started::new(providers, true);
        assert!(started.well && started.warnings.is_empty(), "{:?} {:?}", started.errors, started.warnings);
        let stats = started.element.property::<gst::Structure>("stats");
        assert_eq!((stats.get::<&str>("provider"), stats.get::<&str>("nodes")), (Ok("cpu"), Ok("cpu")));
        assert_eq!(started.stop(), [Some("cpu".to_owned()), None]);
    }
}

#[test]
fn what_the_library_was_built_without_is_skipped_with_a_warning() {
    let started = Started::new(Some("tensorrt,cuda,cpu"), false);
    assert!(started.well, "{:?}", started.errors);
    assert_eq!(started.warnings.len(), 2, "{:?}", started.warnings);
    for (warning, (name, next)) in started.warnings.iter().zip([("tensorrt", "cuda"), ("cuda", "cpu")]) {
        let (found, tried) = (format!("found {name}, which does not run"), format!("; {next} is tried"));
        assert_says(
            warning,
            &["property providers", &found, "model.toml", "was built without it (it has azure, cpu)", &tried],
        );
        assert_says(warning, &["expected one that does", "onnxruntime-gpu"]);
    }
    assert_eq!(started.stop(), [Some("cpu".to_owned()), None]);
}

#[test]
fn a_provider_that_takes_no_node_does_not_run_the_model() {
    let started = Started::new(Some("azure,cpu"), false);
    assert!(started.well, "{:?}", started.errors);
    assert_eq!(started.warnings.len(), 1, "{:?}", started.warnings);
    assert_says(
        &started.warnings[0],
        &["found azure", "it took none of the", "ran on: cpu ", "cpu is tried"],
    );
    assert_eq!(started.stop(), [Some("cpu".to_owned()), None]);
}

#[test]
fn strict_fails_where_the_first_choice_does_not_run() {
    for (providers, found) in [("cuda,cpu", "was built without it"), ("azure,cpu", "took none of the")] {
        let started = Started::new(Some(providers), true);
        assert!(!started.well && started.warnings.is_empty(), "{:?}", started.warnings);
        assert_eq!(started.errors.len(), 1, "{:?}", started.errors);
        let name = providers.split(',').next().unwrap();
        let words = ["property providers", &format!("found {name}"), found, "expected", "set strict=false"];
        assert_says(&started.errors[0], &words);
        assert_eq!(started.stop(), []);
    }
}

#[test]
fn a_chain_without_the_cpu_can_come_to_its_end() {
    let started = Started::new(Some("cuda,azure"), false);
    assert!(!started.well);
    assert_eq!((started.warnings.len(), started.errors.len()), (1, 1));
    assert_says(&started.errors[0], &["found azure", "providers=cpu tells whether"]);
    started.stop();
}

#[test]
fn names_that_no_provider_has_are_refused() {
    let started = Started::new(Some("cdua,cpu"), false);
    assert!(!started.well);
    assert_eq!(started.errors.len(), 1);
    assert_says(&started.errors[0], &["property providers: found \"cdua\"", "did you mean \"cuda\"?"]);
    started.stop();
}

#[test]
fn a_bad_model_is_told_by_the_cpu_too() {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(fixture("clip.toml")).unwrap();
    std::fs::write(folder.path().join("model.toml"), text).unwrap();
    std::fs::write(folder.path().join("clip.onnx"), b"no graph").unwrap();
    let started = Started::with_model(folder.path(), Some("azure,cpu"), false);
    assert!(!started.well);
    assert_eq!((started.warnings.len(), started.errors.len()), (1, 1));
    assert_says(&started.errors[0], &["clip.onnx: ONNX Runtime cannot load this graph", "8 bytes"]);
    started.stop();
}

#[test]
fn memory_between_runs_can_be_given_back() {
    let element = Started::new(Some("cpu"), true).element;
    element.set_state(gst::State::Null).unwrap();
    element.set_property("memory-arena", false);
    element.set_state(gst::State::Paused).unwrap();
    assert_eq!(element.property::<Option<String>>("active-provider").as_deref(), Some("cpu"));
    element.set_state(gst::State::Null).unwrap();
}
