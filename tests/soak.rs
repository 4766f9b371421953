//! Hours of a stream with whatever may happen to it, in one process: `make soak`.

#![allow(clippy::unwrap_used)] // Helpers of tests stand outside of test functions.

mod common;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use common::bench::{assert_all_windows_are_counted, fixture, resident};
use gst::prelude::*;

/// Frames a second of the source.
const RATE: u64 = 30;

/// All three elements behind a seekable source, whose size changes. The second branch never holds up the first, which could
/// not preroll then.
fn pipeline() -> gst::Pipeline {
    let line = format!(
        "videotestsrc name=source pattern=ball num-buffers=100000 \
         ! capsfilter name=caps caps-change-mode=delayed caps=video/x-raw,format=I420,width=160,height=120,framerate={RATE}/1 \
         ! artclassify name=a model={} ! tee name=t \
         t. ! queue ! artoverlay ! fakesink name=sink sync=false \
         t. ! queue leaky=downstream ! artmetaenc ! fakesink sync=false async=false",
        fixture("model.toml").display()
    );
    gst::parse::launch(&line).unwrap().downcast().unwrap()
}

/// What is wrong with a frame that leaves `artclassify`.
fn fault_of(pad: &gst::Pad, buffer: &gst::BufferRef) -> Option<String> {
    let caps = pad.current_caps()?;
    let info = gst_video::VideoInfo::from_caps(&caps).ok()?;
    if buffer.size() != info.size() {
        return Some(format!("{} bytes under caps of {}", buffer.size(), info.size()));
    }
    let result = gstartclassify::meta::read(buffer)?;
    let german = ["rot", "gruen", "blau"].contains(&&*result.class.label);
    if german != (&*result.model == "farben") {
        return Some(format!("{} says {}", result.model, result.class.label));
    }
    let inside = result.tracklets.iter().all(|tracklet| {
        let area = tracklet.area;
        area.x + area.w <= info.width() && area.y + area.h <= info.height()
    });
    (!inside || result.size.width != info.width()).then(|| format!("boxes of {:?} on {info:?}", result.size))
}

struct Soak {
    pipeline: gst::Pipeline,
    element: gst::Element,
    random: fastrand::Rng,
    frames: Arc<AtomicU64>,
    faults: Arc<Mutex<Vec<String>>>,
}

impl Soak {
    fn new(seed: u64) -> Self {
        let pipeline = pipeline();
        let element = pipeline.by_name("a").unwrap();
        let frames = Arc::new(AtomicU64::new(0));
        let faults = Arc::new(Mutex::new(Vec::new()));
        let (counted, wrong) = (Arc::clone(&frames), Arc::clone(&faults));
        element.static_pad("src").unwrap().add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
            counted.fetch_add(1, Ordering::Relaxed);
            if let Some(buffer) = info.buffer() {
                wrong.lock().unwrap().extend(fault_of(pad, buffer));
            }
            gst::PadProbeReturn::Ok
        });
        let told = Arc::clone(&faults);
        pipeline.bus().unwrap().set_sync_handler(move |_, message| {
            if let gst::MessageView::Error(error) = message.view() {
                told.lock().unwrap().push(format!(
                    "{}: {}",
                    error.error(),
                    error.debug().unwrap_or_default()
                ));
            }
            gst::BusSyncReply::Drop
        });
        Self { pipeline, element, random: fastrand::Rng::with_seed(seed), frames, faults }
    }

    /// One thing that a user, an application or a network may do.
    fn disturb(&mut self) {
        match self.random.u32(0..100) {
            0..40 => self.seek(),
            40..55 => self.change_caps(),
            55..65 => self.pause(),
            65..70 => self.restart(),
            70..80 => self.change_model(),
            80..90 => {
                let threshold = self.random.f32();
                self.element.set_property("start-threshold", threshold);
                self.element.set_property("top-k", self.random.u32(1..5));
                self.element.set_property_from_str("eos", if self.random.bool() { "pad" } else { "drop" });
            }
            _ => {
                let stats = self.element.property::<gst::Structure>("stats");
                assert_all_windows_are_counted(&stats);
            }
        }
    }

    fn seek(&mut self) {
        let to = gst::ClockTime::from_mseconds(self.random.u64(0..600_000));
        let rate = [1.0, 1.0, 1.0, 0.5, 2.0, -1.0][self.random.usize(0..6)];
        let flush = if self.random.u32(0..4) > 0 { gst::SeekFlags::FLUSH } else { gst::SeekFlags::empty() };
        if flush.is_empty() {
            // Such a seek waits for the streaming thread, which waits for ever until sinks play.
            self.set_state(gst::State::Playing);
        }
        let (start, stop) =
            if rate > 0.0 { (to, gst::ClockTime::NONE) } else { (gst::ClockTime::ZERO, Some(to)) };
        // May be refused in the middle of a change of state.
        let _ = self.pipeline.seek(rate, flush, gst::SeekType::Set, start, gst::SeekType::Set, stop);
    }

    fn change_caps(&mut self) {
        let size = [(160, 120), (33, 20), (320, 240), (64, 48)][self.random.usize(0..4)];
        let format = ["I420", "RGB", "NV12"][self.random.usize(0..3)];
        let caps =
            format!("video/x-raw,format={format},width={},height={},framerate={RATE}/1", size.0, size.1);
        self.pipeline.by_name("caps").unwrap().set_property_from_str("caps", &caps);
    }

    fn pause(&mut self) {
        self.set_state(gst::State::Paused);
        std::thread::sleep(Duration::from_millis(self.random.u64(0..20)));
        self.set_state(gst::State::Playing);
    }

    fn restart(&mut self) {
        let down = [gst::State::Ready, gst::State::Null][self.random.usize(0..2)];
        self.set_state(down);
        let policy = ["auto", "block", "drop"][self.random.usize(0..3)];
        self.element.set_property_from_str("policy", policy);
        let alignment = ["delay", "hold"][self.random.usize(0..2)];
        self.element.set_property_from_str("alignment", alignment);
        self.set_state(gst::State::Playing);
    }

    fn change_model(&mut self) {
        let names = ["model.toml", "clip.toml", "farben.toml", "gone.toml"];
        let model = fixture(names[self.random.usize(0..4)]);
        let stopped = self.element.current_state() < gst::State::Paused;
        if !(stopped && model.ends_with("gone.toml")) {
            self.element.set_property("model", model.to_str().unwrap());
        }
    }

    fn set_state(&self, state: gst::State) {
        self.pipeline.set_state(state).unwrap();
        let (changed, _, _) = self.pipeline.state(gst::ClockTime::from_seconds(60));
        assert!(
            changed.is_ok_and(|success| success != gst::StateChangeSuccess::Async),
            "{state:?} in a minute"
        );
    }

    /// Plays so many seconds of the stream. Gives the resident memory at times, in MB.
    fn play(&mut self, seconds: u64) -> Vec<f64> {
        self.set_state(gst::State::Playing);
        let mut memory = Vec::new();
        let (mut next, mut quiet) = (0, 0);
        while self.frames.load(Ordering::Relaxed) < seconds * RATE {
            let before = self.frames.load(Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(self.random.u64(1..40)));
            self.disturb();
            let now = self.frames.load(Ordering::Relaxed);
            // At the end of the stream nothing comes until the next seek to another place.
            quiet = if now == before { quiet + 1 } else { 0 };
            assert!(
                quiet < 1000,
                "no frame comes any more, {}",
                self.element.property::<gst::Structure>("stats")
            );
            assert_eq!(*self.faults.lock().unwrap(), Vec::<String>::new());
            if now >= next {
                memory.push(resident());
                next = now + seconds * RATE / 40;
            }
        }
        self.set_state(gst::State::Null);
        let stats = self.element.property::<gst::Structure>("stats");
        assert_eq!(stats.get("waiting"), Ok(0u64), "{stats}");
        assert_all_windows_are_counted(&stats);
        memory
    }
}

/// What the tracer `leaks` finds alive of this plugin's and of what passed through it, type by type.
fn alive() -> Vec<String> {
    let tracers = gst::active_tracers();
    let leaks = tracers.iter().find(|tracer| tracer.type_().name() == "GstLeaksTracer");
    let leaks = leaks.expect("GST_TRACERS=leaks is set before GStreamer starts");
    let found = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&found);
    let category = gst::DebugCategory::get("GST_TRACER").unwrap();
    gst::log::remove_default_log_function();
    category.set_threshold(gst::DebugLevel::Trace);
    let log = gst::log::add_log_function(move |category, _, _, _, _, _, message| {
        let text = message.get().unwrap_or_default();
        if category.name() == "GST_TRACER" && text.starts_with("object-alive") {
            kept.lock().unwrap().push(text.to_string());
        }
    });
    leaks.emit_by_name::<()>("log-live-objects", &[]);
    gst::log::remove_log_function(log);
    category.set_threshold(gst::DebugLevel::None);
    let found = found.lock().unwrap();
    assert!(!found.is_empty(), "GStreamer's own registry is always alive");
    let kinds =
        ["GstArt", "GstPipeline", "GstPad,", "GstGhostPad", "GstBuffer", "GstEvent", "GstMemory", "GstQuery"];
    found
        .iter()
        .filter(|text| kinds.iter().any(|kind| text.contains(&format!("(string){kind}"))))
        .cloned()
        .collect()
}

fn soak(seconds: u64, seed: u64) -> Vec<f64> {
    // SAFETY: this is the first thing that the only test of a run does; no other thread reads the environment.
    unsafe { std::env::set_var("GST_TRACERS", "leaks") };
    common::init();
    let kept = gst::Buffer::new();
    assert_eq!(alive().len(), 1, "the tracer sees what is alive");
    drop(kept);
    let memory = Soak::new(seed).play(seconds);
    assert_eq!(alive(), Vec::<String>::new());
    memory
}

#[test]
fn ten_minutes_of_disturbances_leave_nothing_behind() {
    soak(600, 1);
}

#[test]
#[ignore = "SOAK_MINUTES of the stream: make soak"]
fn hours_of_disturbances_leave_nothing_behind() {
    let number = |name: &str, default| std::env::var(name).map_or(default, |value| value.parse().unwrap());
    let (minutes, seed) = (number("SOAK_MINUTES", 60), number("SOAK_SEED", 1));
    let memory = soak(minutes * 60, seed);
    // Half of the samples after the first half, when caches are warm: the later half against the earlier.
    let quarter = memory.len() / 4;
    let median = |samples: &[f64]| {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    };
    let (earlier, later) = (median(&memory[2 * quarter..3 * quarter]), median(&memory[3 * quarter..]));
    println!(
        "{minutes} minutes, seed {seed}: resident {earlier:.1} MB in the third quarter, {later:.1} MB in the last"
    );
    println!("samples, MB: {memory:.1?}");
    assert!(later - earlier < 4.0, "{earlier:.1} MB, then {later:.1} MB");
}
