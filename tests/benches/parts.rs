//! What the steps between a frame and its metadata cost, each by itself: `cargo bench --bench parts`.

#![allow(missing_docs)] // The macros make a public function.

mod rig;

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use gst_video::{VideoFormat, VideoInfo};
use gstartclassify::{
    action::{ActionSettings, Dated, Moment},
    artclassify::{
        convert::FrameConverter,
        interpret::{Interpreter, SampleInfo, WindowInfo},
    },
    classification::Classification,
    meta::{self, FrameSize},
    model::{Fit, Manifest, Relative, Resize, SampleWriter, Slots, WindowOutput, WindowTracklet},
    timeline::AbsoluteTime,
    window::{FrameTime, GridSettings, Ownership, WindowPlan, Windower},
};

const SIZE: FrameSize = FrameSize { width: 1920, height: 1080 };
/// Samples of a window.
const FRAMES: u64 = 16;
/// Samples from window to window.
const HOP: u64 = 4;
const CLASSES: usize = 48;
const TRACKLETS: u64 = 4;
/// Nanoseconds from sample to sample.
const SAMPLE: u64 = 100_000_000;

fn manifest(layout: &str, dtype: &str) -> Manifest {
    let names: Vec<String> = (0..CLASSES).map(|n| format!("\"class {n}\"")).collect();
    let names = names.join(", ");
    let text = format!(
        r#"
[model]
name = "parts"
[input]
frames = {FRAMES}
hop = {HOP}
fps = 10.0
width = 224
height = 224
layout = "{layout}"
dtype = "{dtype}"
[graph]
kind = "clip"
file = "clip.onnx"
[outputs]
scores = {{ name = "logits" }}
[labels]
names = [{names}]
"#
    );
    // Its graph is looked for beside it.
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/colours/parts.toml");
    Manifest::parse(text.as_bytes(), path.as_ref()).expect("a manifest")
}

fn conversion(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("conversion of a 1080p frame to 224x224");
    for format in [VideoFormat::I420, VideoFormat::Nv12, VideoFormat::P01010le, VideoFormat::Bgra] {
        for (layout, dtype) in [("NTHWC", "uint8"), ("NCTHW", "float32")] {
            let input = manifest(layout, dtype).input;
            let info = VideoInfo::builder(format, SIZE.width, SIZE.height).build().expect("a format");
            let mut converter = FrameConverter::new(&info, &input).expect("a converter");
            let mut slots = Slots::new(SampleWriter::new(&input));
            let frame = gst::Buffer::from_mut_slice(vec![0x60u8; info.size()]);
            group.bench_function(format!("{format} to {layout} {dtype}"), |bencher| {
                bencher.iter(|| converter.convert(&frame, &mut slots).expect("a tensor"));
            });
        }
    }
}

fn window(criterion: &mut Criterion) {
    let settings = GridSettings { fps: 10.0, gap_tolerance: 2_000_000_000 };
    let plan = WindowPlan::new(FRAMES, HOP).expect("a plan");
    criterion.bench_function("grid and windows, a frame of 60 a second", |bencher| {
        let mut windower = Windower::new(settings, plan, Ownership::Central);
        let mut frame = 0;
        bencher.iter(|| {
            let pts = frame * 1_000_000_000 / 60;
            frame += 1;
            let duration = 1_000_000_000 / 60;
            let (running_time, stream_time) = (pts, Some(pts));
            windower.frame(FrameTime { pts, running_time, stream_time, duration, discont: false })
        });
    });
}

fn windows() -> (WindowInfo, WindowOutput) {
    let moment = |pts| Moment { pts, running_time: pts };
    let fit = Fit::new(Resize::Stretch, (SIZE.width, SIZE.height), 1.0, (224, 224));
    let samples = (0..FRAMES).map(|n| SampleInfo { moment: moment(n * SAMPLE), fit });
    let info = WindowInfo {
        object: None,
        number: 0,
        samples: samples.collect(),
        end: FRAMES * SAMPLE,
        start_absolute: AbsoluteTime::default(),
        owns_from: Dated::unknown(moment(6 * SAMPLE)),
        owns_to: Dated::unknown(moment(10 * SAMPLE)),
    };
    let tracklets = (0..TRACKLETS).map(|n| {
        let left = 0.2 * n as f32;
        let boxes = (0..FRAMES).map(|t| {
            let left = left + 0.01 * t as f32;
            Relative { left, top: 0.3, right: left + 0.1, bottom: 0.6 }
        });
        WindowTracklet { query: Some(7), boxes: boxes.collect(), relevance: vec![0.0625; FRAMES as usize] }
    });
    let scores = (0..CLASSES).map(|n| if n == 7 { 0.53 } else { 0.01 });
    (info, WindowOutput { scores: scores.collect(), tracklets: tracklets.collect() })
}

fn interpreted() -> (Interpreter, ActionSettings, Classification) {
    let settings = ActionSettings {
        start_threshold: 0.5,
        stop_threshold: 0.3,
        min_duration: 400_000_000,
        smoothing: 0.3,
    };
    let mut interpreter = Interpreter::new(&manifest("NTHWC", "uint8"));
    interpreter.set_size((SIZE.width, SIZE.height), None);
    let (info, output) = windows();
    let (classification, _) = interpreter.window(&info, &output, &settings, 5);
    (interpreter, settings, classification)
}

fn post_processing(criterion: &mut Criterion) {
    let (info, output) = windows();
    let (mut interpreter, settings, _) = interpreted();
    criterion.bench_function("post-processing of a window, 48 classes and 4 tracklets", |bencher| {
        bencher.iter(|| interpreter.window(&info, &output, &settings, 5));
    });
}

fn metadata(criterion: &mut Criterion) {
    let (_, _, classification) = interpreted();
    let mut group = criterion.benchmark_group("metadata of a frame, 4 tracklets");
    for (name, first) in [("first of its window", true), ("later", false)] {
        group.bench_function(name, |bencher| {
            let pts = Some(gst::ClockTime::from_nseconds(7 * SAMPLE + SAMPLE / 3));
            bencher.iter_batched_ref(
                gst::Buffer::new,
                |buffer| {
                    let buffer = buffer.get_mut().expect("a new buffer");
                    meta::write(buffer, black_box(&classification), SIZE, pts, first, None).expect("a meta");
                },
                BatchSize::SmallInput,
            );
        });
    }
}

fn all(criterion: &mut Criterion) {
    rig::init();
    conversion(criterion);
    window(criterion);
    post_processing(criterion);
    metadata(criterion);
}

criterion_group!(benches, all);
criterion_main!(benches);
