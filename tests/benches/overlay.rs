//! What `artoverlay` costs a frame that it draws on: four tracklets that move and leave trails, and a banner, at 1080p and 60
//! frames a second. `cargo bench --bench overlay`.

#![allow(missing_docs)] // The macros make a public function.

mod rig;

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gst_video::{VideoFormat, VideoInfo};
use gstartclassify::{
    classification::{ClassScore, Classification, PixelBox, SampleBox, Tracklet},
    meta::{self, FrameSize},
    timeline::AbsoluteTime,
};
use rig::Rig;

const SIZE: FrameSize = FrameSize { width: 1920, height: 1080 };
/// Nanoseconds that a frame lasts.
const FRAME: u64 = 1_000_000_000 / 60;
/// Frames after which the regions are where they were.
const ROUND: u64 = 600;
/// Frames before the trails have their full length.
const AHEAD: u64 = 90;

/// Four regions of 200 by 340 pixels that cross the picture, each at its own pace.
fn result() -> Classification {
    let tracklets = (0..4).map(|n| {
        let corner = |x: u32, y: u32| PixelBox { x, y, w: 200, h: 340 };
        let (left, right) = (corner(40, 160 + 90 * n), corner(1100 + 200 * n, 420 - 60 * n));
        let boxes = [(0, left), (ROUND / 2 * FRAME, right), (ROUND * FRAME, left)];
        let boxes = boxes.map(|(pts, area)| SampleBox { pts, area, relevance: 0.25 });
        Tracklet { id: u64::from(n) + 1, first_seen: 0, query: None, boxes: boxes.to_vec() }
    });
    Classification {
        object: None,
        model: "bench".into(),
        window: 0,
        start: 0,
        start_absolute: AbsoluteTime::default(),
        end: ROUND * FRAME,
        samples: vec![0, ROUND / 2 * FRAME, ROUND * FRAME],
        top: vec![ClassScore { label: "Back+25som+NoTwis+PIKE".into(), label_id: 7, score: 0.93 }],
        background: false,
        tracklets: tracklets.collect(),
    }
}

/// Draws frames in the same memory, one after the other, and times the element alone.
struct Draw {
    rig: Rig,
    returned: Arc<Mutex<Option<gst::Buffer>>>,
    result: Classification,
    frame: u64,
}

impl Draw {
    fn new(format: VideoFormat) -> Self {
        let info = VideoInfo::builder(format, SIZE.width, SIZE.height)
            .fps(gst::Fraction::new(60, 1))
            .build()
            .expect("a format");
        let picture = gst::Buffer::from_mut_slice(vec![0x60u8; info.size()]);
        let returned = Arc::new(Mutex::new(Some(picture)));
        let back = Arc::clone(&returned);
        let leave = move |buffer| *back.lock().expect("no panic") = Some(buffer);
        Self { rig: Rig::new(Some("artoverlay"), &info, leave), returned, result: result(), frame: 0 }
    }

    fn draw(&mut self) -> Duration {
        let before = self.returned.lock().expect("no panic").take().expect("a frame that passed");
        let memory = before.memory(0).expect("a frame has memory");
        drop(before);
        let mut buffer = gst::Buffer::new();
        let pts = gst::ClockTime::from_nseconds(self.frame * FRAME);
        let shown = gst::ClockTime::from_nseconds(self.frame % ROUND * FRAME);
        let writable = buffer.get_mut().expect("nobody else holds the frame");
        writable.append_memory(memory);
        writable.set_pts(pts);
        meta::write(writable, &self.result, SIZE, Some(shown), false, None).expect("the meta is registered");
        self.frame += 1;
        let started = Instant::now();
        self.rig.push(buffer);
        started.elapsed()
    }
}

fn overlay(criterion: &mut Criterion) {
    rig::init();
    let mut group = criterion.benchmark_group("overlay");
    group.throughput(Throughput::Elements(1)).sample_size(20);
    for format in [VideoFormat::I420, VideoFormat::Nv12, VideoFormat::Bgrx] {
        let mut draw = Draw::new(format);
        for _ in 0..AHEAD {
            draw.draw();
        }
        group.bench_function(format.to_str().as_str(), |bencher| {
            bencher.iter_custom(|iterations| (0..iterations).map(|_| draw.draw()).sum());
        });
    }
    group.finish();
}

criterion_group!(benches, overlay);
criterion_main!(benches);
