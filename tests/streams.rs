//! Streams as they really are: late, broken, seeked, endless. The models are those of `tests/fixtures`.

#![allow(clippy::unwrap_used)] // Helpers of tests stand outside of test functions.

mod common;

use std::time::Duration;

use common::bench::{
    BLUE, Bench, GREEN, RED, SECOND, actions, assert_all_windows_are_counted, fixture, model, results, shot,
};
use gst::prelude::*;
use gstartclassify::meta;

/// So bright that the model of `slow.toml` takes hours.
const ENDLESS: [u8; 3] = [255, 255, 255];

/// Bright enough that a run of `slow.toml` takes longer than a window is apart from the next.
const SLOW: [u8; 3] = [200, 90, 30];

fn messages(bus: &gst::Bus, kind: gst::MessageType) -> Vec<gst::Message> {
    std::iter::from_fn(|| bus.pop_filtered(&[kind])).collect()
}

/// Waits until something is so; fails after a minute.
fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..6000 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("in vain: {what}");
}

#[test]
fn drop_lets_every_frame_go_and_counts_what_it_drops() {
    for alignment in ["delay", "hold"] {
        let mut bench =
            Bench::new(&format!("{} policy=drop alignment={alignment} hop=1 threads=1", model("slow.toml")));
        let bus = bench.bus();
        let element = bench.harness.element().unwrap();
        // Far more than may wait, as fast as they are made.
        bench.push(&[shot(SLOW, 600)]);
        assert_all_windows_are_counted(&bench.stats());
        let stats = || element.property::<gst::Structure>("stats");
        let (frames, _) = bench.finish();
        assert_eq!(frames.len(), 600, "{alignment}");
        assert!(frames.iter().enumerate().all(|(i, out)| out.pts == Some(i as u64 * SECOND / 30)));
        let [windows, results, dropped, waiting] =
            ["windows", "results", "dropped", "waiting"].map(|name| stats().get::<u64>(name).unwrap());
        assert_eq!((windows, waiting), (197, 0), "{alignment}");
        assert_eq!(windows, results + dropped, "{alignment}");
        assert!(dropped > 0 && results > 0, "{alignment}: {dropped} dropped, {results} results");
        let told = messages(&bus, gst::MessageType::Qos);
        assert_eq!(told.len() as u64, dropped, "{alignment}: each drop is a QoS message");
        element.set_bus(None);
    }
}

#[test]
fn live_video_passes_an_endless_run_of_the_model() {
    for alignment in ["delay", "hold"] {
        common::init();
        let pipeline = gst::parse::launch(&format!(
            "videotestsrc is-live=true num-buffers=60 pattern=white ! video/x-raw,format=RGB,framerate=60/1 \
             ! artclassify name=a {} alignment={alignment} hop=1 ! fakesink name=sink",
            model("slow.toml")
        ));
        let pipeline = pipeline.unwrap().downcast::<gst::Pipeline>().unwrap();
        let element = pipeline.by_name("a").unwrap();
        let sink = pipeline.by_name("sink").unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        // The last window waits at the end of the stream, the frames do not.
        wait_for("60 frames", || {
            let stats = sink.property::<gst::Structure>("stats");
            stats.get::<u64>("rendered").unwrap() + stats.get::<u64>("dropped").unwrap() == 60
        });
        let stats = element.property::<gst::Structure>("stats");
        let count = |name| stats.get::<u64>(name).unwrap();
        assert_eq!(count("results"), 0);
        assert_eq!(count("windows"), count("dropped") + count("waiting"), "{alignment}: {stats}");
        pipeline.set_state(gst::State::Null).unwrap();
    }
}

#[test]
fn a_late_result_is_counted_and_sent_with_a_later_frame() {
    let mut bench = Bench::new(&format!("{} policy=drop alignment=delay threads=1", model("slow.toml")));
    // The first result comes long after the frames of its window, which may not wait for it.
    bench.push(&[shot(SLOW, 12)]);
    bench.push(&[shot([0, 0, 0], 600)]);
    wait_for("a late window", || bench.stat("late") > 0);
    assert_all_windows_are_counted(&bench.stats());
    let element = bench.harness.element().unwrap();
    let (frames, events) = bench.finish();
    let carried = results(&frames).into_iter().flatten().filter(|r| r.first).map(|r| r.window);
    let sent = events.iter().filter_map(|event| event.structure()).filter_map(meta::read_window);
    let mut told: Vec<u64> = carried.chain(sent.map(|result| result.window)).collect();
    let count = told.len() as u64;
    told.sort_unstable();
    told.dedup();
    let stats = element.property::<gst::Structure>("stats");
    assert_eq!((told.len() as u64, stats.get("results")), (count, Ok(count)), "each result once: {told:?}");
    assert!(count > 0, "a model that is slow gives results all the same");
}

#[test]
fn a_flush_cuts_an_endless_run_short() {
    for policy in ["block", "drop"] {
        let mut bench = Bench::new(&format!("{} policy={policy}", model("slow.toml")));
        bench.push(&[shot(ENDLESS, 14)]);
        assert!(bench.harness.push_event(gst::event::FlushStart::new()));
        assert!(bench.harness.push_event(gst::event::FlushStop::new(true)));
        assert_eq!(bench.stat("waiting"), 0);
        assert!(bench.stat("flushed") > 0);
        assert_all_windows_are_counted(&bench.stats());
        while bench.harness.try_pull().is_some() {}
        let segment = gst::FormattedSegment::<gst::ClockTime>::new();
        assert!(bench.harness.push_event(gst::event::Segment::new(&segment)));
        bench.frame = 0;
        bench.push(&[shot([0, 0, 0], 12)]);
        let (frames, _) = bench.finish();
        assert_eq!(frames.len(), 12, "{policy}");
        assert!(results(&frames).iter().flatten().count() > 0, "{policy}");
    }
}

#[test]
fn states_cycle_a_hundred_times_in_the_middle_of_a_run() {
    common::init();
    let element = gst::parse::launch(&format!("artclassify {}", model("slow.toml"))).unwrap();
    for round in 0..100 {
        let mut harness = gst_check::Harness::with_element(&element, Some("sink"), Some("src"));
        harness.set_src_caps_str("video/x-raw,format=RGB,width=8,height=8,framerate=10/1");
        for i in 0..5u64 {
            let mut buffer = gst::Buffer::from_mut_slice(vec![255u8; 192]);
            buffer.get_mut().unwrap().set_pts(gst::ClockTime::from_mseconds(i * 100));
            harness.push(buffer).unwrap();
        }
        let stats = element.property::<gst::Structure>("stats");
        assert_eq!(stats.get::<u64>("waiting"), Ok(1), "round {round}");
        drop(harness);
        assert_eq!(element.current_state(), gst::State::Null);
    }
}

#[test]
fn windows_of_any_frame_rate_are_as_long_as_the_model_wants() {
    // Frames a second, and the windows of 4 samples, every 2, at 10 a second, in 6 seconds.
    for (rate, windows) in
        [((60000, 1001), 29), ((50, 1), 29), ((24000, 1001), 29), ((25, 1), 29), ((10, 1), 29), ((1, 1), 27)]
    {
        let mut bench = Bench::with_rate(&format!("{} policy=block eos=drop", model("model.toml")), rate);
        let bus = bench.bus();
        let element = bench.harness.element().unwrap();
        let count = (6 * rate.0 as u64).div_ceil(rate.1 as u64);
        bench.push(&[shot(RED, count)]);
        let stats = || element.property::<gst::Structure>("stats");
        assert_eq!(stats().get::<u64>("windows"), Ok(windows), "{rate:?}");
        let (frames, _) = bench.finish();
        assert_eq!(frames.len() as u64, count, "{rate:?}");
        let slow = rate.0 < 10 * rate.1;
        assert_eq!(stats().get::<u64>("repeated").unwrap() > 0, slow, "{rate:?}");
        let warnings = messages(&bus, gst::MessageType::Warning);
        assert_eq!(warnings.len(), usize::from(slow), "{rate:?}: told once");
        element.set_bus(None);
    }
}

#[test]
fn frames_whose_caps_tell_no_rate_are_as_many_as_come() {
    for timed in [true, false] {
        let mut bench = Bench::with_rate(&format!("{} policy=block eos=drop", model("model.toml")), (240, 1));
        let mut caps = bench.info().to_caps().unwrap();
        caps.make_mut().set("framerate", gst::Fraction::new(0, 1));
        assert!(bench.harness.push_event(gst::event::Caps::new(&caps)));
        for frame in 0..6 * 240 {
            let mut buffer = bench.buffer(RED, Some(bench.time_of(frame)));
            if !timed {
                buffer.get_mut().unwrap().set_duration(None);
            }
            bench.harness.push(buffer).unwrap();
        }
        assert_eq!((bench.stat("samples"), bench.stat("windows")), (60, 29), "{timed}");
    }
}

#[test]
fn at_a_high_playback_rate_windows_follow_the_running_time() {
    let mut bench = Bench::new(&format!("{} policy=block eos=drop", model("model.toml")));
    let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
    segment.set_rate(8.0);
    assert!(bench.harness.push_event(gst::event::Segment::new(&segment)));
    bench.push(&[shot(RED, 6 * 8 * 30)]);
    assert_eq!((bench.stat("samples"), bench.stat("windows")), (60, 29));
}

#[test]
fn a_gap_event_keeps_the_last_frame_on_screen() {
    let mut bench = Bench::new(&format!("{} eos=drop", model("model.toml")));
    bench.push(&[shot(GREEN, 3)]);
    assert_eq!(bench.stat("windows"), 0);
    let gap = gst::event::Gap::builder(gst::ClockTime::from_mseconds(100))
        .duration(gst::ClockTime::from_mseconds(500));
    assert!(bench.harness.push_event(gap.build()));
    // Samples 0 to 5 of frame 0 and, in the gap, frame 2: windows 0 and 1 are whole before the next frame.
    assert_eq!((bench.stat("samples"), bench.stat("windows")), (6, 2));
    bench.frame = 18;
    bench.push(&[shot(GREEN, 6)]);
    assert_eq!(bench.stat("resets"), 0);
    let (frames, events) = bench.finish();
    assert_eq!(frames.len(), 9);
    assert!(events.iter().any(|event| event.type_() == gst::EventType::Gap));
    assert!(results(&frames).iter().flatten().all(|result| &*result.class.label == "green"));
}

#[test]
fn a_long_gap_event_ends_the_grid_and_takes_no_memory() {
    let mut bench = Bench::new(&model("model.toml"));
    bench.push(&[shot(GREEN, 15)]);
    let gap = gst::event::Gap::builder(gst::ClockTime::from_mseconds(500))
        .duration(gst::ClockTime::from_seconds(1 << 33));
    assert!(bench.harness.push_event(gap.build()));
    assert!(bench.stat("samples") <= 30);
    bench.frame = 30 * 60;
    bench.push(&[shot(GREEN, 15)]);
    assert_eq!(bench.stat("resets"), 1);
    let (frames, _) = bench.finish();
    assert_eq!(frames.len(), 30);
}

#[test]
fn a_new_stream_without_an_end_before_it_starts_anew() {
    let mut bench = Bench::new(&format!("{} smoothing=0 min-duration=0", model("model.toml")));
    bench.push(&[shot(RED, 5)]);
    assert!(bench.harness.push_event(gst::event::StreamStart::new("second")));
    bench.send_caps();
    let segment = gst::FormattedSegment::<gst::ClockTime>::new();
    assert!(bench.harness.push_event(gst::event::Segment::new(&segment)));
    bench.frame = 0;
    bench.push(&[shot(GREEN, 5)]);
    let (frames, events) = bench.finish();
    let labels: Vec<_> =
        results(&frames).iter().map(|result| result.unwrap().class.label.to_string()).collect();
    assert_eq!(labels, [["red"; 5], ["green"; 5]].concat(), "each short stream has its padded window");
    assert_eq!(actions(&events).len(), 4, "each has its action");
}

#[test]
fn an_end_twice_is_an_end() {
    let mut bench = Bench::new(&model("model.toml"));
    bench.push(&[shot(RED, 5)]);
    assert!(bench.harness.push_event(gst::event::Eos::new()));
    let (frames, _) = bench.finish();
    assert_eq!(frames.len(), 5);
    assert!(results(&frames).iter().all(Option::is_some));
}

#[test]
fn reverse_playback_passes_unclassified_and_is_told_once() {
    let mut bench = Bench::new(&model("model.toml"));
    let bus = bench.bus();
    let element = bench.harness.element().unwrap();
    let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
    segment.set_rate(-1.0);
    segment.set_stop(gst::ClockTime::from_seconds(10));
    bench.harness.push_event(gst::event::Segment::new(&segment));
    for frame in (0..30).rev() {
        let pts = bench.time_of(frame);
        assert_eq!(bench.harness.push(bench.buffer(RED, Some(pts))), Ok(gst::FlowSuccess::Ok));
    }
    assert_eq!((bench.stat("unclassified"), bench.stat("windows")), (30, 0));
    let (frames, _) = bench.finish();
    assert_eq!(frames.len(), 30);
    assert_eq!(messages(&bus, gst::MessageType::Warning).len(), 1);
    element.set_bus(None);
}

#[test]
fn a_rate_of_two_takes_samples_in_running_time() {
    let mut bench = Bench::new(&format!("{} eos=drop", model("model.toml")));
    let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
    segment.set_rate(2.0);
    bench.harness.push_event(gst::event::Segment::new(&segment));
    bench.push(&[shot(RED, 60)]);
    // Two seconds of the stream are one of the clock.
    assert_eq!(bench.stat("samples"), 10);
    let (frames, _) = bench.finish();
    assert_eq!(frames.len(), 60);
}

#[test]
fn a_segment_that_only_updates_keeps_the_window() {
    let mut bench = Bench::new(&model("model.toml"));
    for _ in 0..4 {
        bench.push(&[shot(RED, 5)]);
        let segment = gst::FormattedSegment::<gst::ClockTime>::new();
        assert!(bench.harness.push_event(gst::event::Segment::new(&segment)));
    }
    assert_eq!(bench.stat("resets"), 0);
    let (frames, events) = bench.finish();
    assert_eq!(frames.len(), 20);
    // The harness sends one by itself.
    assert_eq!(events.iter().filter(|event| event.type_() == gst::EventType::Segment).count(), 6);
}

#[test]
fn frames_without_a_time_stamp_between_others_do_no_harm() {
    let mut bench = Bench::new(&model("model.toml"));
    bench.push(&[shot(RED, 10)]);
    for _ in 0..5 {
        bench.harness.push(bench.buffer(RED, None)).unwrap();
    }
    bench.push(&[shot(RED, 10)]);
    assert_eq!((bench.stat("resets"), bench.stat("unclassified")), (0, 5));
    let (frames, _) = bench.finish();
    assert_eq!(frames.len(), 25);
}

#[test]
fn a_new_model_takes_over_at_the_end_of_a_window() {
    let mut bench = Bench::new(&format!("{} smoothing=0 min-duration=0", model("model.toml")));
    let bus = bench.bus();
    let element = bench.harness.element().unwrap();
    bench.push(&[shot(RED, 20)]);
    element.set_property("model", fixture("clip.toml").to_str().unwrap());
    let told =
        bus.timed_pop_filtered(gst::ClockTime::ZERO, &[gst::MessageType::Warning, gst::MessageType::Error]);
    assert!(told.is_none(), "{told:?}");
    // Loading takes a moment, in which frames pass as before.
    let mut changed = None;
    for _ in 0..6000 {
        bench.push(&[shot(RED, 1)]);
        changed = bus.pop_filtered(&[gst::MessageType::Element]).filter(|message| {
            message.structure().is_some_and(|structure| structure.name() == "artclassify-model")
        });
        if changed.is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let changed = changed.expect("the model changed");
    assert_eq!(changed.structure().unwrap().get::<&str>("model"), Ok("colours"));
    bench.push(&[shot(GREEN, 30)]);
    let count = bench.frame;
    let (frames, events) = bench.finish();
    let results = results(&frames);
    assert_eq!(results.len() as u64, count);
    assert!(results.iter().all(Option::is_some), "no frame is without a result");
    let windows: Vec<u64> = results.iter().flatten().filter(|r| r.first).map(|r| r.window).collect();
    assert_eq!(windows, (0..windows.len() as u64).collect::<Vec<_>>(), "numbers count on");
    // The split model has boxes, the clip model none.
    assert!(!results[0].unwrap().tracklets.is_empty());
    let last = results.last().unwrap().unwrap();
    assert!(last.tracklets.is_empty() && &*last.class.label == "green");
    assert_eq!(actions(&events).len() % 2, 0, "every action that starts stops");
    element.set_bus(None);
}

#[test]
fn a_bad_new_model_is_refused_and_the_old_one_goes_on() {
    let mut bench = Bench::new(&model("model.toml"));
    let bus = bench.bus();
    let element = bench.harness.element().unwrap();
    bench.push(&[shot(RED, 20)]);
    element.set_property("model", "/nowhere/at/all");
    let warning = bus
        .timed_pop_filtered(
            gst::ClockTime::from_seconds(60),
            &[gst::MessageType::Warning, gst::MessageType::Error],
        )
        .unwrap();
    let gst::MessageView::Warning(warning) = warning.view() else { panic!("{warning:?}") };
    let text = warning.error().to_string();
    assert!(text.contains("/nowhere/at/all") && text.contains("goes on"), "{text}");
    assert_eq!(element.property::<String>("model"), fixture("model.toml").to_str().unwrap());
    bench.push(&[shot(GREEN, 30)]);
    let (frames, _) = bench.finish();
    assert!(results(&frames).iter().all(|result| !result.unwrap().tracklets.is_empty()));
    element.set_bus(None);
}

/// Pushes blue frames until the model of this name is at work.
fn push_until_model(bench: &mut Bench, name: &str) {
    for _ in 0..6000 {
        if bench.stats().get::<&str>("model") == Ok(name) {
            return;
        }
        bench.push(&[shot(BLUE, 1)]);
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{name} never came to work: {}", bench.stats());
}

#[test]
fn models_set_in_quick_succession_leave_the_last() {
    let mut bench = Bench::new(&model("model.toml"));
    let element = bench.harness.element().unwrap();
    for name in ["clip.toml", "model.toml", "slow.toml", "farben.toml"] {
        element.set_property("model", fixture(name).to_str().unwrap());
    }
    push_until_model(&mut bench, "farben");
    bench.push(&[shot(GREEN, 60)]);
    assert_eq!(bench.stats().get("model"), Ok("farben"));
    let (frames, _) = bench.finish();
    assert_eq!(&*results(&frames).last().unwrap().unwrap().class.label, "gruen");
}

#[test]
fn a_bad_model_overtakes_a_good_one_that_waits() {
    let mut bench = Bench::new(&model("model.toml"));
    let bus = bench.bus();
    let element = bench.harness.element().unwrap();
    bench.push(&[shot(RED, 20)]);
    element.set_property("model", fixture("farben.toml").to_str().unwrap());
    element.set_property("model", "/nowhere/at/all");
    let warnings = [gst::MessageType::Warning];
    assert!(bus.timed_pop_filtered(gst::ClockTime::from_seconds(60), &warnings).is_some());
    bench.push(&[shot(RED, 60)]);
    assert_eq!(bench.stats().get("model"), Ok("colours"));
    assert_eq!(element.property::<String>("model"), fixture("model.toml").to_str().unwrap());
    element.set_bus(None);
}

#[test]
fn a_flush_after_a_change_of_the_model_keeps_its_labels() {
    let mut bench = Bench::new(&model("model.toml"));
    let element = bench.harness.element().unwrap();
    bench.push(&[shot(RED, 20)]);
    element.set_property("model", fixture("farben.toml").to_str().unwrap());
    push_until_model(&mut bench, "farben");
    assert!(bench.harness.push_event(gst::event::FlushStart::new()));
    assert!(bench.harness.push_event(gst::event::FlushStop::new(true)));
    while bench.harness.try_pull().is_some() {}
    let segment = gst::FormattedSegment::<gst::ClockTime>::new();
    assert!(bench.harness.push_event(gst::event::Segment::new(&segment)));
    bench.frame = 0;
    bench.push(&[shot(RED, 20)]);
    let (frames, _) = bench.finish();
    let told = results(&frames).into_iter().map(|result| result.unwrap());
    assert!(told.into_iter().all(|result| &*result.class.label == "rot" && &*result.model == "farben"));
}

#[test]
fn a_flush_does_not_lose_caps_that_wait() {
    let mut bench = Bench::with_size(&model("model.toml"), (200, 100));
    bench.push(&[shot(RED, 5)]);
    bench.size = (64, 48);
    bench.send_caps();
    bench.push(&[shot(RED, 2)]);
    assert!(bench.harness.push_event(gst::event::FlushStart::new()));
    assert!(bench.harness.push_event(gst::event::FlushStop::new(true)));
    while bench.harness.try_pull().is_some() {}
    let segment = gst::FormattedSegment::<gst::ClockTime>::new();
    assert!(bench.harness.push_event(gst::event::Segment::new(&segment)));
    bench.push(&[shot(RED, 20)]);
    let (frames, events) = bench.finish();
    assert!(events.iter().any(|event| match event.view() {
        gst::EventView::Caps(caps) => caps.caps().structure(0).unwrap().get("width") == Ok(64),
        _ => false,
    }));
    for result in results(&frames) {
        let result = result.unwrap();
        assert_eq!(result.size.width, 64);
        assert_eq!(result.tracklets[0].area.w, 32, "half of the picture");
    }
}

#[test]
fn boxes_are_measured_in_the_frame_they_leave_on() {
    let mut bench = Bench::with_size(&model("model.toml"), (200, 100));
    bench.push(&[shot(RED, 20)]);
    bench.size = (64, 48);
    bench.send_caps();
    bench.push(&[shot(RED, 20)]);
    let (frames, _) = bench.finish();
    for result in results(&frames) {
        let result = result.unwrap();
        let tracklet = &result.tracklets[0];
        assert_eq!((tracklet.area.w, tracklet.id), (result.size.width / 2, 0));
        assert!(tracklet.boxes.iter().all(|sample| sample.area.w == result.size.width / 2));
    }
}

#[test]
fn frames_do_not_wait_for_a_clock_that_stands_still() {
    let mut bench = Bench::new(&format!("{} policy=block", model("model.toml")));
    bench.push(&[shot(RED, 5)]);
    for _ in 0..300 {
        bench.harness.push(bench.buffer(RED, None)).unwrap();
    }
    wait_for("frames without a time stamp", || bench.harness.buffers_received() > 200);
    let last = bench.time_of(5);
    for _ in 0..300 {
        bench.harness.push(bench.buffer(RED, Some(last))).unwrap();
    }
    wait_for("frames of one time stamp", || bench.harness.buffers_received() > 500);
    assert_eq!(bench.finish().0.len(), 605);
}

#[test]
fn frames_do_not_wait_for_video_that_turns_back() {
    let mut bench = Bench::new(&format!("{} policy=block", model("model.toml")));
    bench.push(&[shot(RED, 20)]);
    let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
    segment.set_rate(-1.0);
    segment.set_stop(gst::ClockTime::from_seconds(10));
    bench.harness.push_event(gst::event::Segment::new(&segment));
    let pts = bench.time_of(19);
    bench.harness.push(bench.buffer(RED, Some(pts))).unwrap();
    wait_for("all frames", || bench.harness.buffers_received() == 21);
}

#[test]
fn holes_keep_the_window_at_any_rate() {
    for rate in [0.25, 1.0, 2.0, 4.0] {
        let mut bench = Bench::new(&model("model.toml"));
        let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
        segment.set_rate(rate);
        bench.harness.push_event(gst::event::Segment::new(&segment));
        // As long a hole on the clock at each rate: half a second.
        for hole in 0..10 {
            bench.frame = (hole as f64 * 15.0 * rate) as u64;
            bench.push(&[shot(RED, 1)]);
        }
        assert_eq!(bench.stat("resets"), 0, "rate {rate}");
        assert!(bench.stat("windows") > 15, "rate {rate}: {}", bench.stats());
    }
}

#[test]
fn events_pass_after_downstream_has_ended() {
    common::init();
    let pipeline = gst::parse::launch(&format!(
        "videotestsrc num-buffers=200 ! video/x-raw,format=RGB,width=64,height=48,framerate=30/1 \
         ! artclassify {} ! identity eos-after=50 ! fakesink",
        model("model.toml")
    ));
    let pipeline = pipeline.unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let kinds = [gst::MessageType::Eos, gst::MessageType::Error];
    let told = pipeline.bus().unwrap().timed_pop_filtered(gst::ClockTime::from_seconds(60), &kinds);
    assert_eq!(told.map(|message| message.type_()), Some(gst::MessageType::Eos));
    pipeline.set_state(gst::State::Null).unwrap();
}

#[test]
fn action_settings_change_while_playing() {
    let mut bench =
        Bench::new(&format!("{} smoothing=0 min-duration=0 start-threshold=1", model("model.toml")));
    let element = bench.harness.element().unwrap();
    bench.push(&[shot(RED, 30)]);
    element.set_property("start-threshold", 0.5f32);
    bench.push(&[shot(RED, 30), shot(BLUE, 30)]);
    let (frames, events) = bench.finish();
    let action = events.iter().filter_map(|event| event.structure()).find_map(meta::read_action).unwrap();
    assert!(action.event.start.moment.pts >= SECOND / 2, "{action:?}");
    assert_eq!(frames.len(), 90);
}

#[test]
fn the_stats_are_those_of_the_document() {
    let bench = Bench::new(&model("model.toml"));
    let stats = bench.harness.element().unwrap().property::<gst::Structure>("stats");
    let rows = include_str!("../docs/metadata.md")
        .lines()
        .skip_while(|line| *line != "## `stats`")
        .skip_while(|line| !line.starts_with("| ---"))
        .skip(1)
        .take_while(|line| line.starts_with("| "));
    let mut documented = Vec::new();
    for row in rows {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let names: Vec<&str> = cells[1].split(", ").map(|name| name.trim_matches('`')).collect();
        let stem = names[0].trim_end_matches("-p50");
        for name in &names {
            let name = if name.starts_with('-') { format!("{stem}{name}") } else { (*name).to_owned() };
            let kind = stats.value(name.as_str()).unwrap().type_().name().to_owned();
            assert_eq!(format!("`{kind}`"), cells[2], "{name}");
            documented.push(name);
        }
    }
    let real: Vec<String> = stats.fields().map(|name| name.to_string()).collect();
    assert_eq!(documented, real);
    assert_eq!(stats.get::<&str>("model"), Ok("colours"));
    assert_eq!(stats.get::<&str>("provider"), Ok("cpu"));
    assert!(stats.get::<&str>("runtime").unwrap().starts_with("1."));
}
