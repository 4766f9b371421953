//! Streams that share a model, and graphs that keep a state, with the tiny models of `tests/fixtures`.

#![allow(clippy::unwrap_used)] // Helpers of tests stand outside of test functions.

mod common;

use std::sync::{
    Arc, Barrier,
    atomic::{AtomicUsize, Ordering},
};

use common::bench::{
    BLUE, Bench, GREEN, Out, RED, assert_all_windows_are_counted, fixture, model, results, shot,
};
use gst::prelude::*;
use gstartclassify::{
    engine::{Engine, Key, Model, Request, shared},
    error::Error,
    model::{Manifest, WindowOutput},
    runtime::{Chain, Library, Provider, Residence, SessionSettings},
};

fn labels(frames: &[Out]) -> Vec<String> {
    let first = results(frames).into_iter().flatten().filter(|result| result.first);
    first.map(|result| result.class.label.to_string()).collect()
}

fn scores(frames: &[Out]) -> Vec<f32> {
    results(frames)
        .into_iter()
        .flatten()
        .filter(|result| result.first)
        .map(|result| result.class.score)
        .collect()
}

fn engine(file: &str, name: &str, loads: &mut usize) -> Arc<Engine> {
    let manifest = Manifest::load(&fixture(file)).unwrap();
    let request = Request {
        manifest: &manifest,
        library: Library::get(None).unwrap(),
        chain: &Chain::Auto,
        strict: false,
        settings: &SessionSettings { threads: 1, arena: true, ..SessionSettings::default() },
        workers: 1,
        batch: 1,
    };
    let key = Key::new(name, &request);
    let load = || {
        *loads += 1;
        request.prove(&|_| {})
    };
    shared(&key, load).unwrap()
}

#[test]
fn a_model_is_loaded_once_for_all_that_share_it_and_again_when_all_have_gone() {
    let mut loads = 0;
    let first = engine("clip.toml", "once", &mut loads);
    let second = engine("clip.toml", "once", &mut loads);
    assert!(Arc::ptr_eq(&first, &second) && loads == 1);
    engine("clip.toml", "apart", &mut loads);
    engine("model.toml", "once", &mut loads);
    assert_eq!(loads, 3, "another name, another model");
    drop((first, second));
    engine("clip.toml", "once", &mut loads);
    assert_eq!(loads, 4);
}

#[test]
fn who_comes_while_a_model_loads_waits_for_it_and_loads_it_where_that_failed() {
    let manifest = Manifest::load(&fixture("clip.toml")).unwrap();
    let settings = SessionSettings { threads: 1, arena: true, ..SessionSettings::default() };
    let request = Request {
        manifest: &manifest,
        library: Library::get(None).unwrap(),
        chain: &Chain::Auto,
        strict: false,
        settings: &settings,
        workers: 1,
        batch: 1,
    };
    let key = Key::new("at once", &request);
    let (loads, begun) = (AtomicUsize::new(0), Barrier::new(2));
    let failed = || {
        begun.wait();
        Err(Error::Cancelled)
    };
    let load = || {
        loads.fetch_add(1, Ordering::SeqCst);
        request.prove(&|_| {})
    };
    std::thread::scope(|scope| {
        let first = scope.spawn(|| shared(&key, failed));
        begun.wait();
        let others: Vec<_> = (0..3).map(|_| scope.spawn(|| shared(&key, load))).collect();
        assert!(first.join().unwrap().is_err());
        let engines: Vec<_> = others.into_iter().map(|other| other.join().unwrap().unwrap()).collect();
        assert!(engines.iter().all(|engine| Arc::ptr_eq(engine, &engines[0])));
    });
    assert_eq!(loads.load(Ordering::SeqCst), 1);
}

#[test]
fn streams_that_share_a_model_get_their_own_results() {
    for form in [
        "clip.toml workers=1",
        "clip.toml workers=3",
        "model.toml workers=4",
        "batched.toml batch-size=4 workers=2",
        "stream.toml workers=3",
        "online.toml batch-size=3",
    ] {
        let mut benches: Vec<Bench> =
            (0..3).map(|_| Bench::new(&format!("{} engine=own", model(form)))).collect();
        for _ in 0..6 {
            benches[0].push(&[shot(RED, 10)]);
            benches[1].push(&[shot(GREEN, 10)]);
            benches[2].push(&[shot([180, 40, 0], 5), shot([20, 190, 0], 5)]);
        }
        let frames: Vec<Vec<Out>> = benches.into_iter().map(|bench| bench.finish().0).collect();
        assert!(frames.iter().all(|frames| frames.len() == 60), "{form}");
        assert_eq!(labels(&frames[0]), vec!["red"; 9], "{form}");
        assert_eq!(labels(&frames[1]), vec!["green"; 9], "{form}");
        let alone = {
            let mut bench = Bench::new(&format!("{} engine=alone", model(form)));
            (0..6).for_each(|_| bench.push(&[shot([180, 40, 0], 5), shot([20, 190, 0], 5)]));
            scores(&bench.finish().0)
        };
        let mixed = scores(&frames[2]);
        assert!(alone.len() == 9 && alone.iter().zip(&mixed).all(|(a, b)| (a - b).abs() < 1e-6), "{form}");
    }
}

/// Scores and times of all windows in the order in which they leave.
fn windows(properties: &str, samples: usize) -> Vec<(u64, u64, f32)> {
    let mut bench = Bench::new(properties);
    for sample in 0..samples {
        let color = [(sample * 37 % 256) as u8, (sample * 91 % 256) as u8, (sample * 53 % 256) as u8];
        bench.push(&[shot(color, 3)]);
    }
    let (frames, _) = bench.finish();
    assert_eq!(frames.len(), 3 * samples);
    let found = results(&frames).into_iter().flatten().filter(|result| result.first);
    found.map(|result| (result.window, result.start, result.class.score)).collect()
}

#[test]
fn several_workers_give_what_one_gives_in_the_same_order() {
    for form in ["clip.toml", "model.toml", "stream.toml"] {
        let run = |workers: u32| {
            windows(&format!("{} hop=1 policy=block threads=4 workers={workers}", model(form)), 120)
        };
        let one = run(1);
        assert!(one.len() > 100 && one.is_sorted_by_key(|(window, ..)| *window), "{form}");
        for workers in [2, 4] {
            assert_eq!(run(workers), one, "{form}, {workers} workers");
        }
    }
}

#[test]
fn as_many_workers_run_as_were_asked_for() {
    for (asked, expected) in [("workers=3", 3), ("workers=0 threads=2", 2), ("threads=1", 1)] {
        let bench = Bench::new(&format!("{} {asked} engine=asked", model("clip.toml")));
        assert_eq!(bench.stats().get::<u64>("workers").unwrap(), expected, "{asked}");
    }
}

#[test]
fn a_fault_stays_with_the_stream_that_it_comes_from() {
    let properties = format!("{} engine=fault batch-timeout=200000000", model("batched.toml batch-size=4"));
    let mut benches: Vec<Bench> = (0..3).map(|_| Bench::new(&properties)).collect();
    let bus = benches[1].bus();
    benches[0].push(&[shot(RED, 11)]);
    benches[2].push(&[shot(GREEN, 11)]);
    for frame in 0..11 {
        let buffer = benches[1].buffer(BLUE, Some(benches[1].time_of(frame)));
        // Refused from the fault on.
        let _ = benches[1].harness.push(buffer);
    }
    let fault = bus.timed_pop_filtered(gst::ClockTime::from_seconds(5), &[gst::MessageType::Error]);
    let fault = fault.unwrap();
    let gst::MessageView::Error(fault) = fault.view() else { panic!("{fault:?}") };
    assert!(fault.error().to_string().contains("batched.onnx"), "{fault:?}");
    let sound = [(RED, "red"), (GREEN, "green")];
    for (bench, (color, label)) in [benches.remove(0), benches.remove(1)].into_iter().zip(sound) {
        let mut bench = bench;
        bench.push(&[shot(color, 49)]);
        assert_all_windows_are_counted(&bench.stats());
        assert_eq!(labels(&bench.finish().0), vec![label; 9]);
    }
}

#[test]
fn a_stream_that_is_flushed_or_stopped_leaves_the_others_alone() {
    let properties = format!("{} engine=flush", model("batched.toml batch-size=4"));
    let mut benches: Vec<Bench> = (0..3).map(|_| Bench::new(&properties)).collect();
    for turn in 0..6 {
        benches.iter_mut().for_each(|bench| bench.push(&[shot(RED, 10)]));
        if turn == 2 {
            benches[1].harness.push_event(gst::event::FlushStart::new());
            benches[1].harness.push_event(gst::event::FlushStop::new(true));
            let segment = gst::FormattedSegment::<gst::ClockTime>::new();
            benches[1].harness.push_event(gst::event::Segment::new(&segment));
        }
        if turn == 3 {
            benches[2].harness.element().unwrap().set_state(gst::State::Null).unwrap();
            benches.truncate(2);
        }
    }
    let (frames, _) = benches.remove(0).finish();
    assert_eq!((frames.len(), labels(&frames)), (60, vec!["red".to_owned(); 9]));
    assert_all_windows_are_counted(&benches[0].stats());
}

#[test]
fn a_graph_with_a_state_goes_on_from_sample_to_sample_and_starts_anew_with_a_grid() {
    let softmax = |logits: [f32; 3]| {
        let sum: f32 = logits.iter().map(|logit| logit.exp()).sum();
        logits.map(|logit| logit.exp() / sum).into_iter().fold(0.0, f32::max)
    };
    // Each shot is a sample: three frames at 30 a second.
    let shots = [RED, RED, GREEN, GREEN, GREEN, GREEN].map(|color| shot(color, 3));
    let mut bench = Bench::new(&model("stream.toml"));
    bench.push(&shots);
    let first = scores(&bench.finish().0);
    // Of 4 samples 2 are green, of 6 there are 4.
    let expected = [softmax([4.0, 4.0, 0.0]), softmax([8.0 / 3.0, 16.0 / 3.0, 0.0])];
    assert!(first.len() == 2 && first.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{first:?}");

    let mut bench = Bench::new(&format!("{} gap-tolerance=500000000", model("stream.toml")));
    bench.push(&shots);
    bench.frame += 60;
    bench.push(&shots);
    let twice = scores(&bench.finish().0);
    assert!(twice.len() == 4 && twice[2..] == first[..], "{twice:?}");

    let mut bench = Bench::new(&model("online.toml"));
    bench.push(&shots);
    let online = scores(&bench.finish().0);
    // Samples: 8 red; 12 red; 4 red and 8 green; 12 green, 12 green, 12 green.
    let expected = [softmax([6.0, 5.0, 0.0]), softmax([1.0, 11.0, 0.0])];
    assert!(
        online.len() == 2 && online.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5),
        "{online:?}"
    );
}

#[test]
fn a_batch_that_the_model_does_not_take_is_refused_with_the_graph_that_does_not() {
    common::init();
    let element = gst::parse::launch(&format!("artclassify batch-size=4 {}", model("model.toml"))).unwrap();
    let bus = gst::Bus::new();
    element.set_bus(Some(&bus));
    assert!(element.set_state(gst::State::Paused).is_err());
    let message = bus.pop_filtered(&[gst::MessageType::Error]).unwrap();
    element.set_state(gst::State::Null).unwrap();
    let gst::MessageView::Error(fault) = message.view() else { panic!("{message:?}") };
    let text = fault.error().to_string();
    for word in ["batch-size", "found 4", "expected 1", "encoder.onnx", "one at a time"] {
        assert!(text.contains(word), "{text}");
    }
}

/// Loads a model whose tokens may stay in a residence.
fn resident_model(file: &std::path::Path, residence: Residence, batch: usize) -> Model {
    let settings =
        SessionSettings { threads: 1, arena: true, residence: Some(residence), ..SessionSettings::default() };
    Model::load(&Manifest::load(file).unwrap(), Library::get(None).unwrap(), &settings, batch).unwrap()
}

/// Encodes as many windows of samples of different brightness and classifies them, in batches of all of them.
fn classified(model: &mut Model, file: &std::path::Path, windows: usize) -> Vec<WindowOutput> {
    let input = Manifest::load(file).unwrap().input;
    let stride = input.width * input.channels();
    let samples: Vec<_> = (0..windows * input.frames)
        .map(|number| {
            let bytes: Vec<u8> = (0..stride * input.height).map(|at| (at * 7 + number * 53) as u8).collect();
            (Arc::new(model.writer().frame(&bytes, stride)), None)
        })
        .collect();
    let encoded: Vec<_> = samples
        .chunks(windows)
        .flat_map(|batch| model.encode(batch).unwrap())
        .map(|(encoded, _)| encoded)
        .collect();
    let windows: Vec<Vec<_>> = encoded.chunks(input.frames).map(<[_]>::to_vec).collect();
    model.classify(&windows.iter().collect::<Vec<_>>()).unwrap()
}

#[test]
fn tokens_that_stay_with_the_provider_give_the_same_results() {
    common::init();
    let zoo = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("models/zoo/synthdive48-art/model.toml");
    for (file, batch) in [(fixture("model.toml"), 1), (zoo.clone(), 1), (zoo, 3)] {
        let manifest = Manifest::load(&file).unwrap();
        let settings = SessionSettings { threads: 1, arena: true, ..SessionSettings::default() };
        let library = Library::get(None).unwrap();
        let mut copying = Model::load(&manifest, library, &settings, batch).unwrap();
        let mut keeping = resident_model(&file, Residence::cpu(), batch);
        assert!(keeping.keeps_tokens() && !copying.keeps_tokens(), "{:?}", keeping.not_kept());
        let copied = classified(&mut copying, &file, batch);
        let kept = classified(&mut keeping, &file, batch);
        assert_eq!(kept, copied, "{}", file.display());
        assert!(copied.iter().skip(1).all(|output| output.gap(&copied[0]) > 0.0), "windows that differ");
    }
}

#[test]
fn tokens_are_copied_where_they_cannot_stay() {
    common::init();
    let file = fixture("model.toml");
    let absent = Residence::of(Provider::Cuda, 0).unwrap();
    let mut model = resident_model(&file, absent, 1);
    assert!(!model.keeps_tokens());
    let fault = model.not_kept().unwrap().to_string();
    assert!(fault.contains("\"Cpu\", expected \"Cuda\""), "{fault}");
    assert_eq!(classified(&mut model, &file, 1).len(), 1);
}

#[test]
fn models_without_tokens_of_their_own_keep_none() {
    common::init();
    for file in ["clip.toml", "stream.toml", "online.toml"] {
        let model = resident_model(&fixture(file), Residence::cpu(), 1);
        assert!(!model.keeps_tokens() && model.not_kept().is_none(), "{file}");
    }
}
