//! A crowd of objects that come and go: `CROWD_MINUTES` of them in real time, and an hour of them as fast as it goes, with
//! `cargo test --release --test crowd -- --ignored --nocapture --test-threads 1`.

#![allow(clippy::unwrap_used)] // Helpers of tests stand outside of test functions.

mod common;

use std::{
    env,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use common::bench::{assert_all_windows_are_counted, fixture, resident};
use gst::prelude::*;
use gst_video::VideoRegionOfInterestMeta;

/// Objects in the picture at a time.
const CROWD: usize = 16;

/// Frames a second.
const RATE: u64 = 30;

/// Somebody who crosses the picture.
struct Walker {
    id: i32,
    at: (f64, f64),
    pace: (f64, f64),
    size: (f64, f64),
    frames: u32,
}

/// The walkers, in parts of the picture's width and height.
struct Crowd {
    random: fastrand::Rng,
    last: i32,
    walkers: Vec<Walker>,
}

impl Crowd {
    fn new(seed: u64) -> Self {
        Self { random: fastrand::Rng::with_seed(seed), last: 0, walkers: Vec::new() }
    }

    fn arrival(&mut self) -> Walker {
        self.last += 1;
        let random = &mut self.random;
        Walker {
            id: self.last,
            at: (random.f64(), random.f64() * 0.8),
            pace: (random.f64() * 0.02 - 0.01, random.f64() * 0.01 - 0.005),
            size: (0.03 + random.f64() * 0.1, 0.1 + random.f64() * 0.4),
            frames: random.u32(20..600),
        }
    }

    /// Marks those who are there on the next frame. A detector misses one in twenty.
    fn mark(&mut self, buffer: &mut gst::BufferRef, (width, height): (u32, u32)) {
        self.walkers.retain(|walker| walker.frames > 0 && (-0.2..1.0).contains(&walker.at.0));
        while self.walkers.len() < CROWD {
            let walker = self.arrival();
            self.walkers.push(walker);
        }
        for walker in &mut self.walkers {
            walker.frames -= 1;
            walker.at = (walker.at.0 + walker.pace.0, walker.at.1 + walker.pace.1);
            if self.random.u32(0..20) == 0 {
                continue;
            }
            let pixels = |part: f64, whole: u32| (part.max(0.0) * f64::from(whole)) as u32;
            let area = (
                pixels(walker.at.0, width),
                pixels(walker.at.1, height),
                pixels(walker.size.0, width),
                pixels(walker.size.1, height),
            );
            VideoRegionOfInterestMeta::add(buffer, "person", area).set_id(walker.id);
        }
    }
}

/// Plays a crowd through the element: its stats at the end, the frames that left it, and the memory at every tenth of the
/// time. `live` plays in real time.
fn play(frames: u64, size: (u32, u32), live: bool, properties: &str) -> (gst::Structure, u64, Vec<f64>) {
    common::init();
    let (width, height) = size;
    let line = format!(
        "videotestsrc name=source is-live={live} pattern=smpte num-buffers={frames} \
         ! video/x-raw,format=I420,width={width},height={height},framerate={RATE}/1 \
         ! artclassify name=a roi=meta {properties} ! fakesink name=sink sync={live}"
    );
    let pipeline: gst::Pipeline = gst::parse::launch(&line).unwrap().downcast().unwrap();
    let element = pipeline.by_name("a").unwrap();
    let crowd = Mutex::new(Crowd::new(16));
    element.static_pad("sink").unwrap().add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        if let Some(buffer) = info.buffer_mut() {
            crowd.lock().unwrap().mark(buffer.make_mut(), size);
        }
        gst::PadProbeReturn::Ok
    });
    let left = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&left);
    element.static_pad("src").unwrap().add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        counted.fetch_add(1, Ordering::Relaxed);
        gst::PadProbeReturn::Ok
    });
    let bus = pipeline.bus().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let mut memory = Vec::new();
    let end = loop {
        let message = bus.timed_pop_filtered(
            gst::ClockTime::from_mseconds(20),
            &[gst::MessageType::Eos, gst::MessageType::Error],
        );
        if left.load(Ordering::Relaxed) * 10 >= frames * (memory.len() as u64 + 1) {
            memory.push(resident());
        }
        if let Some(message) = message {
            break message;
        }
    };
    assert!(matches!(end.view(), gst::MessageView::Eos(_)), "{end:?}");
    let stats = element.property::<gst::Structure>("stats");
    pipeline.set_state(gst::State::Null).unwrap();
    (stats, left.load(Ordering::Relaxed), memory)
}

#[test]
fn all_windows_of_a_crowd_are_classified_or_counted_as_dropped() {
    for properties in ["policy=block", "policy=drop alignment=hold", "policy=drop max-objects=7"] {
        let model = fixture("model.toml");
        let properties = format!("{properties} model={}", model.display());
        let (stats, left, _) = play(40 * RATE, (160, 90), false, &properties);
        assert_eq!((left, stats.get::<u64>("frames").unwrap()), (40 * RATE, 40 * RATE), "{properties}");
        assert!(stats.get::<u64>("results").unwrap() > 100, "{stats}");
        assert_all_windows_are_counted(&stats);
    }
}

#[test]
#[ignore = "takes CROWD_MINUTES (1) in real time"]
fn a_crowd_in_real_time() {
    let minutes: u64 = env::var("CROWD_MINUTES").map_or(1, |text| text.parse().unwrap());
    let properties = env::var("CROWD_ELEMENT")
        .unwrap_or_else(|_| format!("model={} policy=drop", fixture("model.toml").display()));
    let frames = minutes * 60 * RATE;
    let started = Instant::now();
    let (stats, left, memory) = play(frames, (1920, 1080), true, &properties);
    println!("{stats}\nmemory in MB: {memory:.1?}");
    assert_eq!(left, frames);
    assert_all_windows_are_counted(&stats);
    let late = started.elapsed().saturating_sub(Duration::from_secs(minutes * 60));
    println!("{left} frames, {:.1} s later than they lasted", late.as_secs_f64());
}

#[test]
#[ignore = "takes minutes"]
fn an_hour_of_a_crowd_takes_no_more_memory_than_its_beginning() {
    let properties = format!("model={}", fixture("model.toml").display());
    let (stats, left, memory) = play(3600 * RATE, (160, 90), false, &properties);
    println!("{stats}\nmemory in MB: {memory:.1?}");
    assert_eq!(left, 3600 * RATE);
    assert_all_windows_are_counted(&stats);
    let (begin, end) = (memory[1], memory[memory.len() - 1]);
    assert!(end < begin + 8.0, "{begin:.1} MB after a fifth, {end:.1} MB at the end");
}
