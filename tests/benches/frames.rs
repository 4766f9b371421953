//! What a frame costs on its way through `artclassify`, beside `identity`: `cargo bench --bench frames`. Making the frame and
//! handing it from pad to pad is in all figures; "no element" is that alone.
//!
//! The source has 1000 frames a second, of which the model takes one in 2000, so that what is measured is the frames that
//! are not sampled.

#![allow(missing_docs)] // The macros make a public function.

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gst::prelude::*;

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

/// An element between two pads, or the pads alone.
struct Rig {
    element: Option<gst::Element>,
    src: gst::Pad,
    _sink: gst::Pad,
    picture: gst::Buffer,
    frame: u64,
}

impl Rig {
    fn new(line: Option<&str>) -> Self {
        let element = line.map(|line| gst::parse::launch(line).expect("a launch line"));
        let src = gst::Pad::builder(gst::PadDirection::Src).name("src").build();
        let sink = gst::Pad::builder(gst::PadDirection::Sink)
            .name("sink")
            .chain_function(|_, _, _| Ok(gst::FlowSuccess::Ok))
            .event_function(|_, _, _| true)
            .build();
        if let Some(element) = &element {
            let pad = |name| element.static_pad(name).expect("an element with two pads");
            src.link(&pad("sink")).expect("a pad that links");
            pad("src").link(&sink).expect("a pad that links");
        } else {
            src.link(&sink).expect("a pad that links");
        }
        src.set_active(true).expect("a pad that starts");
        sink.set_active(true).expect("a pad that starts");
        if let Some(element) = &element {
            element.set_state(gst::State::Playing).expect("an element that starts");
        }
        let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::Rgb, 8, 8)
            .fps(gst::Fraction::new(1000, 1))
            .build()
            .expect("a format");
        src.push_event(gst::event::StreamStart::new("bench"));
        src.push_event(gst::event::Caps::new(&info.to_caps().expect("caps")));
        src.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
        Self { element, src, _sink: sink, picture: gst::Buffer::from_mut_slice(vec![0u8; 192]), frame: 0 }
    }

    /// Makes frames and pushes them, one after the other.
    fn push(&mut self, frames: u64) -> Duration {
        let started = Instant::now();
        for _ in 0..frames {
            let mut buffer = self.picture.copy();
            buffer.make_mut().set_pts(gst::ClockTime::from_mseconds(self.frame));
            self.frame += 1;
            self.src.push(buffer).expect("a frame that passes");
        }
        started.elapsed()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        // Nothing is left to do where it fails.
        let _ = self.src.set_active(false);
        let _ = self.element.as_ref().map(|element| element.set_state(gst::State::Null));
    }
}

fn frames(criterion: &mut Criterion) {
    gst::init().expect("GStreamer starts");
    gstartclassify::plugin_register_static().expect("the plugin registers");
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
    for (name, line, frames, ahead) in [
        ("no element", None, FRAMES, 0),
        ("identity", Some("identity"), FRAMES, 0),
        ("hold, no result yet", Some(held.as_str()), 5000, 10),
        ("hold, with a result", Some(&held), FRAMES, 10_000),
        ("delay, with a result", Some(&delayed), FRAMES, 10_000),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|iterations| {
                let mut took = Duration::ZERO;
                let mut left = iterations;
                while left > 0 {
                    let mut rig = Rig::new(line);
                    rig.push(ahead);
                    let now = left.min(frames);
                    took += rig.push(now);
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
