//! What a frame costs on its way through `artclassify`, beside `identity`: `cargo bench --bench frames`. Making the frame and
//! handing it from pad to pad is in all figures; "no element" is that alone.
//!
//! The source has 1000 frames a second, of which the model takes one in 2000, so that what is measured is the frames that
//! are not sampled.

#![allow(missing_docs)] // The macros make a public function.

mod rig;

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rig::Rig;

/// Frames that are pushed through one element.
const FRAMES: u64 = 20_000;

const MANIFEST: &str = r#"
[model]
name = "rare"
[input]
frames = 4
fps = 0.5
hop = 1
width = 8
height = 8
layout = "NTHWC"
dtype = "uint8"
[graph]
kind = "clip"
file = "clip.onnx"
[outputs]
scores = { name = "logits" }
[labels]
names = ["red", "green", "blue"]
"#;

/// Frames from a window to the next: they leave together when it has its result, so that fewer would tell of no frame.
const PERIOD: u64 = 2000;

/// Makes frames and pushes them, one after the other.
struct Feed {
    rig: Rig,
    picture: gst::Buffer,
    frame: u64,
}

impl Feed {
    fn new(line: Option<&str>) -> Self {
        let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::Rgb, 8, 8)
            .fps(gst::Fraction::new(1000, 1))
            .build()
            .expect("a format");
        let picture = gst::Buffer::from_mut_slice(vec![0u8; 192]);
        Self { rig: Rig::new(line, &info, drop), picture, frame: 0 }
    }

    fn push(&mut self, frames: u64) -> Duration {
        let started = Instant::now();
        for _ in 0..frames {
            let mut buffer = self.picture.copy();
            buffer.make_mut().set_pts(gst::ClockTime::from_mseconds(self.frame));
            self.frame += 1;
            self.rig.push(buffer);
        }
        started.elapsed()
    }
}

fn frames(criterion: &mut Criterion) {
    rig::init();
    let folder = tempfile::tempdir().expect("a folder");
    let graph = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/colours/clip.onnx");
    std::fs::copy(graph, folder.path().join("clip.onnx")).expect("a copy");
    std::fs::write(folder.path().join("model.toml"), MANIFEST).expect("a manifest");
    let artclassify = format!("artclassify model={}", folder.path().display());
    let mut group = criterion.benchmark_group("frame");
    group.throughput(Throughput::Elements(1)).sample_size(30);
    let held = format!("{artclassify} alignment=hold policy=block eos=drop");
    let delayed = format!("{artclassify} alignment=delay policy=block eos=drop");
    // Before the fourth sample, which is frame 6000, there is no result.
    for (name, line, frames, ahead, period) in [
        ("no element", None, FRAMES, 0, 1),
        ("identity", Some("identity"), FRAMES, 0, 1),
        ("hold, no result yet", Some(held.as_str()), 5000, 10, 1),
        ("hold, with a result", Some(&held), FRAMES, 10_000, PERIOD),
        ("delay, with a result", Some(&delayed), FRAMES, 10_000, PERIOD),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|iterations| {
                let mut took = Duration::ZERO;
                let mut left = iterations;
                while left > 0 {
                    let mut feed = Feed::new(line);
                    feed.push(ahead);
                    let now = left.min(frames);
                    let whole = now.next_multiple_of(period);
                    took += feed.push(whole).mul_f64(now as f64 / whole as f64);
                    left -= now;
                }
                took
            });
        });
    }
    group.finish();
}

criterion_group!(benches, frames);
criterion_main!(benches);
