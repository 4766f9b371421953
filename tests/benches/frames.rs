//! What a frame costs on its way through `artclassify`, beside `identity`: `cargo bench --bench frames`.
//!
//! The source has 1000 frames a second, of which the model takes one in 2000, so that what is measured is the frames that
//! are not sampled.

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gst::prelude::*;

/// Frames that are pushed between two looks at the clock.
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

/// An element between two pads.
struct Rig {
    element: gst::Element,
    src: gst::Pad,
    _sink: gst::Pad,
    picture: gst::Buffer,
    frame: u64,
}

impl Rig {
    fn new(line: &str) -> Self {
        let element = gst::parse::launch(line).expect("a launch line");
        let src = gst::Pad::builder(gst::PadDirection::Src).name("src").build();
        let sink = gst::Pad::builder(gst::PadDirection::Sink)
            .name("sink")
            .chain_function(|_, _, _| Ok(gst::FlowSuccess::Ok))
            .event_function(|_, _, _| true)
            .build();
        let pad = |name| element.static_pad(name).expect("an element with two pads");
        src.link(&pad("sink")).expect("a pad that links");
        pad("src").link(&sink).expect("a pad that links");
        src.set_active(true).expect("a pad that starts");
        sink.set_active(true).expect("a pad that starts");
        element.set_state(gst::State::Playing).expect("an element that starts");
        let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::Rgb, 8, 8)
            .fps(gst::Fraction::new(1000, 1))
            .build()
            .expect("a format");
        src.push_event(gst::event::StreamStart::new("bench"));
        src.push_event(gst::event::Caps::new(&info.to_caps().expect("caps")));
        src.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
        Self { element, src, _sink: sink, picture: gst::Buffer::from_mut_slice(vec![0u8; 192]), frame: 0 }
    }

    fn push(&mut self, frames: u64) -> Duration {
        let buffers: Vec<_> = (self.frame..self.frame + frames)
            .map(|frame| {
                let mut buffer = self.picture.copy();
                let writable = buffer.make_mut();
                writable.set_pts(gst::ClockTime::from_mseconds(frame));
                buffer
            })
            .collect();
        self.frame += frames;
        let started = Instant::now();
        for buffer in buffers {
            self.src.push(buffer).expect("a frame that passes");
        }
        started.elapsed()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        // Nothing is left to do where it fails.
        let _ = self.src.set_active(false);
        let _ = self.element.set_state(gst::State::Null);
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
    for (name, line, ahead) in [
        ("identity", "identity".to_owned(), 0),
        ("hold, no result yet", format!("{artclassify} alignment=hold policy=block eos=drop"), 0),
        ("hold, with a result", format!("{artclassify} alignment=hold policy=block"), 10_000),
        ("delay, with a result", format!("{artclassify} alignment=delay policy=block"), 10_000),
    ] {
        let no_result = name.contains("no result");
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|iterations| {
                let mut rig = Rig::new(&line);
                rig.push(ahead);
                let mut left = iterations;
                let mut took = Duration::ZERO;
                while left > 0 {
                    // Before the fourth sample there is no result.
                    let most = if no_result { 5000 } else { FRAMES };
                    let now = left.min(most);
                    if no_result {
                        rig = Rig::new(&line);
                        rig.push(10);
                    }
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
