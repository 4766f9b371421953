//! `artmetaenc`: lines, gaps, flushes, and a schema that its output obeys.

#![allow(clippy::unwrap_used)] // The exemption for tests does not reach their helpers.

mod common;

use common::{
    MS, action_event, bytes, classification, dated_action_event, dated_classification, frame, frame_with,
    init, video_info,
};
use gst::prelude::*;
use gst_video::VideoFormat;
use gstartclassify::action::ActionState;
use gstartclassify::classification::Classification;
use serde_json::{Value, json};

const WIDTH: u32 = 64;
const HEIGHT: u32 = 48;

fn info() -> gst_video::VideoInfo {
    video_info(VideoFormat::I420, WIDTH, HEIGHT)
}

fn harness() -> gst_check::Harness {
    init();
    let mut harness = gst_check::Harness::new("artmetaenc");
    harness.set_src_caps(info().to_caps().unwrap());
    harness
}

fn lines(harness: &mut gst_check::Harness) -> Vec<Value> {
    std::iter::from_fn(|| harness.try_pull())
        .map(|buffer| {
            let bytes = bytes(&buffer);
            assert_eq!(bytes.iter().filter(|&&byte| byte == b'\n').count(), 1, "a buffer is a line");
            assert_eq!(bytes.last(), Some(&b'\n'));
            serde_json::from_slice(&bytes).unwrap()
        })
        .collect()
}

fn events(harness: &mut gst_check::Harness) -> Vec<gst::Event> {
    std::iter::from_fn(|| harness.try_pull_event()).collect()
}

#[test]
fn a_window_is_one_line_however_many_frames_carry_it() {
    let mut h = harness();
    for (n, window) in [0, 0, 0, 1, 1].into_iter().enumerate() {
        let first = n == 0 || n == 3;
        h.push(frame_with(&info(), 40 * n as u64, &classification(window), first)).unwrap();
    }
    let lines = lines(&mut h);
    assert_eq!(lines.iter().map(|line| line["window"].as_u64()).collect::<Vec<_>>(), [Some(0), Some(1)]);
}

#[test]
fn neither_the_order_of_an_encoder_nor_another_model_repeats_a_window() {
    let mut h = harness();
    let other = |window| Classification { model: "other".into(), ..classification(window) };
    for (pts, window) in [(0, classification(0)), (120, classification(1)), (40, classification(0))] {
        h.push(frame_with(&info(), pts, &window, false)).unwrap();
    }
    for (pts, window) in
        [(160, other(1)), (200, classification(1)), (240, other(1)), (280, classification(2))]
    {
        h.push(frame_with(&info(), pts, &window, false)).unwrap();
    }
    let found: Vec<_> =
        lines(&mut h).into_iter().map(|line| (line["model"].clone(), line["window"].clone())).collect();
    let model = |name: &str, window: u64| (json!(name), json!(window));
    let wanted = [model("test-model", 0), model("test-model", 1), model("other", 1), model("test-model", 2)];
    assert_eq!(found, wanted);
}

#[test]
fn lines_lie_in_the_segment_of_the_stream() {
    let mut h = harness();
    let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
    segment.set_start(gst::ClockTime::from_mseconds(300));
    segment.set_stop(gst::ClockTime::from_mseconds(4600));
    segment.set_base(gst::ClockTime::from_mseconds(1300));
    h.push_event(gst::event::Segment::new(&segment));
    h.push(frame_with(&info(), 300, &classification(0), true)).unwrap();
    h.push_event(action_event(ActionState::Stop));
    let window = h.pull().unwrap();
    let from = |ms| Some(gst::ClockTime::from_mseconds(ms));
    assert_eq!((window.pts(), window.duration()), (from(300), from(100)));
    // An end at the end of the segment would be clipped.
    assert_eq!(h.pull().unwrap().pts(), from(4600).map(|end| end - gst::ClockTime::NSECOND));
}

#[test]
fn what_an_encoder_adds_to_all_times_is_added_to_those_of_lines() {
    let hours = gst::ClockTime::from_seconds(3_600_000);
    let mut h = harness();
    let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
    segment.set_start(hours);
    h.push_event(gst::event::Segment::new(&segment));
    let mut coded = frame_with(&info(), 300, &classification(1), false);
    let moved = coded.pts().map(|pts| pts + hours);
    coded.get_mut().unwrap().set_pts(moved);
    h.push(coded).unwrap();
    let buffer = h.pull().unwrap();
    assert_eq!(buffer.pts(), Some(hours + gst::ClockTime::from_mseconds(200)));
    assert_eq!(buffer.duration(), Some(gst::ClockTime::from_mseconds(400)));
    let line: Value = serde_json::from_slice(&bytes(&buffer)).unwrap();
    assert_eq!((&line["start"], &line["end"]), (&json!(200 * MS), &json!(600 * MS)));
    assert_eq!(line["tracklets"][0]["boxes"][0]["pts"], json!(300 * MS));
}

#[test]
fn the_line_of_a_window_is_as_documented() {
    let mut h = harness();
    h.push(frame_with(&info(), 300, &classification(1), true)).unwrap();
    let buffer = h.pull().unwrap();
    assert_eq!(buffer.pts(), Some(gst::ClockTime::from_mseconds(200)));
    assert_eq!(buffer.duration(), Some(gst::ClockTime::from_mseconds(400)));
    let text = String::from_utf8(bytes(&buffer)).unwrap();
    let no_box = |pts: u64| json!({"pts": pts * MS, "x": 0, "y": 0, "w": 0, "h": 0});
    let a_box = |pts: u64, x: u32| json!({"pts": pts * MS, "x": x, "y": 10, "w": 20, "h": 24});
    assert_eq!(
        serde_json::from_str::<Value>(&text).unwrap(),
        json!({
            "type": "window", "model": "test-model", "window": 1, "start": 200 * MS, "end": 600 * MS,
            "label": "Back+25som+NoTwis+PIKE", "label_id": 7, "score": 0.93,
            "top": [
                {"label": "Back+25som+NoTwis+PIKE", "label_id": 7, "score": 0.93},
                {"label": "Inward+15som", "label_id": 3, "score": 0.05},
            ],
            "tracklets": [
                {
                    "id": 3, "query": "Back+25som+NoTwis+PIKE", "relevance": [0.1, 0.2, 0.3, 0.4],
                    "boxes": [a_box(200, 4), a_box(300, 12), a_box(400, 20), a_box(500, 28)],
                },
                {
                    "id": 4, "relevance": [0.25, 0.25, 0.25, 0.25],
                    "boxes": [no_box(200), no_box(300), no_box(400), no_box(500)],
                },
            ],
        })
    );
    assert!(text.starts_with(r#"{"type":"window","model":"test-model","window":1,"start":200000000"#));
}

#[test]
fn actions_are_lines_in_their_place_and_updates_are_none() {
    let mut h = harness();
    h.push(frame_with(&info(), 0, &classification(0), true)).unwrap();
    for state in [ActionState::Start, ActionState::Update, ActionState::Stop] {
        assert!(h.push_event(action_event(state)));
    }
    h.push(frame_with(&info(), 40, &classification(1), true)).unwrap();
    let lines = lines(&mut h);
    assert_eq!(
        lines.iter().map(|l| l["type"].as_str().unwrap()).collect::<Vec<_>>(),
        ["window", "action", "action", "window"]
    );
    let action = json!({
        "type": "action", "state": "start", "action": 2, "model": "test-model",
        "label": "Back+25som+NoTwis+PIKE", "label_id": 7, "score": 0.95, "start": 2800 * MS,
    });
    assert_eq!(lines[1], action);
    let mut stop = action;
    stop["state"] = "stop".into();
    stop["end"] = (4600 * MS).into();
    assert_eq!(lines[2], stop);
}

#[test]
fn moments_that_are_dated_are_written_in_utc_and_timecode() {
    let mut h = harness();
    h.push(frame_with(&info(), 0, &dated_classification(0), true)).unwrap();
    h.push_event(dated_action_event(ActionState::Start));
    h.push_event(dated_action_event(ActionState::Stop));
    let lines = lines(&mut h);
    for line in &lines {
        assert_eq!(line["start_utc"], "2026-11-21T10:20:28.123456789Z");
        assert_eq!(line["start_timecode"], "10:20:28;03");
    }
    assert_eq!((lines[1].get("end_utc"), lines[1].get("end_timecode")), (None, None));
    assert_eq!(lines[2]["end_utc"], "2026-11-21T10:20:29.123456789Z");
    assert_eq!(lines[2]["end_timecode"], "10:20:29;03");
}

#[test]
fn frames_without_a_line_are_gaps_after_caps_and_segment() {
    let mut h = harness();
    h.push(frame(&info(), 0)).unwrap();
    h.push(frame(&info(), 40)).unwrap();
    let events = events(&mut h);
    let types: Vec<_> = events.iter().map(|event| event.type_()).collect();
    use gst::EventType::{Caps, Gap, Segment, StreamStart};
    assert_eq!(types, [StreamStart, Caps, Segment, Gap, Gap]);
    let gst::EventView::Caps(caps) = events[1].view() else { panic!("no caps") };
    assert_eq!(caps.caps().to_string(), "application/jsonl");
    let gst::EventView::Gap(gap) = events[4].view() else { panic!("no gap") };
    let ms = gst::ClockTime::from_mseconds;
    assert_eq!(gap.get(), (ms(40), Some(ms(40))));
}

#[test]
fn a_flush_starts_the_numbers_anew() {
    let mut h = harness();
    h.push(frame_with(&info(), 0, &classification(0), true)).unwrap();
    h.push_event(gst::event::FlushStart::new());
    h.push_event(gst::event::FlushStop::new(true));
    let segment = gst::FormattedSegment::<gst::ClockTime>::new();
    h.push_event(gst::event::Segment::new(&segment));
    h.push(frame_with(&info(), 0, &classification(0), true)).unwrap();
    assert_eq!(lines(&mut h).len(), 2);
}

#[test]
fn a_window_whose_first_frame_was_lost_still_gets_a_line() {
    let mut h = harness();
    h.push(frame_with(&info(), 150, &classification(0), false)).unwrap();
    let line = lines(&mut h).remove(0);
    let boxes = json!([{"pts": 150 * MS, "x": 16, "y": 10, "w": 20, "h": 24}]);
    assert_eq!(line["tracklets"][0]["boxes"], boxes);
}

#[test]
fn a_window_without_a_frame_is_the_same_line() {
    let mut h = harness();
    h.push(frame_with(&info(), 0, &classification(0), true)).unwrap();
    let size = gstartclassify::meta::FrameSize::from(&info());
    let structure = gstartclassify::meta::window_structure(&classification(1), size);
    h.push_event(gst::event::CustomDownstream::new(structure));
    h.push(frame_with(&info(), 200, &classification(1), true)).unwrap();
    let by_event = lines(&mut h);
    assert_eq!(by_event.len(), 2);

    let mut h = harness();
    h.push(frame_with(&info(), 200, &classification(1), true)).unwrap();
    assert_eq!(lines(&mut h), by_event[1..]);
}

#[test]
fn boxes_are_pixels_of_the_frames_that_arrive() {
    let mut h = harness();
    h.set_src_caps(video_info(VideoFormat::I420, 2 * WIDTH, HEIGHT).to_caps().unwrap());
    h.push(frame_with(&info(), 0, &classification(0), true)).unwrap();
    let line = lines(&mut h).remove(0);
    assert_eq!(line["tracklets"][0]["boxes"][0], json!({"pts": 0, "x": 8, "y": 10, "w": 40, "h": 24}));
}

#[test]
fn lines_obey_the_schema() {
    let schema: Value = serde_json::from_str(include_str!("../docs/events.schema.json")).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let mut h = harness();
    h.push(frame_with(&info(), 0, &classification(0), true)).unwrap();
    h.push(frame_with(&info(), 40, &classification(1), false)).unwrap();
    h.push_event(action_event(ActionState::Start));
    h.push_event(action_event(ActionState::Stop));
    h.push(frame_with(&info(), 80, &dated_classification(2), true)).unwrap();
    h.push_event(dated_action_event(ActionState::Start));
    h.push_event(dated_action_event(ActionState::Stop));
    let lines = lines(&mut h);
    assert_eq!(lines.len(), 7);
    for line in &lines {
        let errors: Vec<_> = validator.iter_errors(line).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{line}: {errors:?}");
    }

    let mut unknown = lines[0].clone();
    unknown["speed"] = 1.into();
    let mut endless = lines[3].clone();
    endless.as_object_mut().unwrap().remove("end");
    let mut early = lines[2].clone();
    early["end"] = 1.into();
    let mut early_utc = lines[2].clone();
    early_utc["end_utc"] = lines[6]["end_utc"].clone();
    let mut local = lines[4].clone();
    local["start_utc"] = "2026-11-21T10:20:28+01:00".into();
    let mut frameless = lines[4].clone();
    frameless["start_timecode"] = "10:20:28".into();
    for wrong in [unknown, endless, early, early_utc, local, frameless, json!({"type": "window"}), json!([])]
    {
        assert!(!validator.is_valid(&wrong), "{wrong}");
    }
}

#[test]
fn the_documented_example_obeys_the_schema() {
    let schema: Value = serde_json::from_str(include_str!("../docs/events.schema.json")).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let examples: Vec<Value> = include_str!("../docs/metadata.md")
        .lines()
        .filter(|line| line.starts_with("{\"type\""))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(examples.len(), 3);
    assert!(examples.iter().all(|example| validator.is_valid(example)));
}

/// Runs a pipeline to its end.
fn run(description: &str) {
    init();
    wait_for_end(&gst::parse::launch(description).unwrap());
}

fn wait_for_end(pipeline: &gst::Element) {
    pipeline.set_state(gst::State::Playing).unwrap();
    let bus = pipeline.bus().unwrap();
    let end = bus.timed_pop_filtered(
        gst::ClockTime::from_seconds(30),
        &[gst::MessageType::Eos, gst::MessageType::Error],
    );
    pipeline.set_state(gst::State::Null).unwrap();
    let end = end.expect("the pipeline ends");
    assert_eq!(end.type_(), gst::MessageType::Eos, "{end:?}");
}

#[test]
fn a_branch_without_any_line_neither_stalls_nor_fails() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.jsonl");
    run(&format!(
        "videotestsrc num-buffers=50 ! video/x-raw,width=64,height=48 ! tee name=t \
         ! queue max-size-buffers=2 ! fakesink t. ! queue max-size-buffers=2 ! artmetaenc ! filesink location={}",
        file.display()
    ));
    assert_eq!(std::fs::read(&file).unwrap(), b"");
}

#[test]
fn an_end_before_the_first_frame_is_an_end() {
    let mut h = harness();
    assert!(h.push_event(gst::event::Eos::new()));
    assert_eq!(events(&mut h).last().map(|event| event.type_()), Some(gst::EventType::Eos));
    assert_eq!(h.buffers_received(), 0);
}

#[test]
fn an_end_that_downstream_wants_reaches_the_source() {
    init();
    let pipeline =
        gst::parse::launch("appsrc name=src format=time ! artmetaenc ! identity eos-after=2 ! fakesink")
            .unwrap();
    let pipeline = pipeline.downcast::<gst::Pipeline>().unwrap();
    let src = pipeline.by_name("src").unwrap().downcast::<gst_app::AppSrc>().unwrap();
    src.set_caps(Some(&info().to_caps().unwrap()));
    for window in 0..4 {
        src.push_buffer(frame_with(&info(), 40 * window, &classification(window), true)).unwrap();
    }
    wait_for_end(pipeline.upcast_ref());
}
