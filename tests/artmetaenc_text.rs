//! `artmetaenc` as WebVTT, plain text and CSV.

#![allow(clippy::unwrap_used)] // The exemption for tests does not reach their helpers.

mod common;

use common::{
    action, action_event, bytes, classification, dated_action_event, dated_classification, frame, frame_with,
    init, video_info,
};
use gst::prelude::*;
use gstartclassify::action::ActionState;
use gstartclassify::classification::Classification;

fn info() -> gst_video::VideoInfo {
    video_info(gst_video::VideoFormat::I420, 64, 48)
}

/// The element with these properties, before its first caps.
fn bare(properties: &str) -> gst_check::Harness {
    init();
    gst_check::Harness::new_parse(&format!("artmetaenc {properties}"))
}

fn harness(properties: &str) -> gst_check::Harness {
    let mut harness = bare(properties);
    harness.set_src_caps(info().to_caps().unwrap());
    harness
}

fn push(h: &mut gst_check::Harness, ms: u64, window: &Classification) {
    h.push(frame_with(&info(), ms, window, true)).unwrap();
}

/// PTS and duration in milliseconds and text of each buffer.
fn pieces(h: &mut gst_check::Harness) -> Vec<(Option<u64>, Option<u64>, String)> {
    std::iter::from_fn(|| h.try_pull())
        .map(|buffer| {
            let text = String::from_utf8(bytes(&buffer)).unwrap();
            (buffer.pts().map(|t| t.mseconds()), buffer.duration().map(|t| t.mseconds()), text)
        })
        .collect()
}

fn texts(h: &mut gst_check::Harness) -> Vec<String> {
    pieces(h).into_iter().map(|(_, _, text)| text).collect()
}

fn caps(h: &mut gst_check::Harness) -> String {
    std::iter::from_fn(|| h.try_pull_event())
        .find_map(|event| match event.view() {
            gst::EventView::Caps(caps) => Some(caps.caps().to_string()),
            _ => None,
        })
        .unwrap()
}

fn stop_of(label: &str, score: f32) -> gst::Event {
    let mut event = action(ActionState::Stop);
    event.class = common::class(label, 7, score);
    gst::event::CustomDownstream::new(gstartclassify::meta::action_structure(&event, "test-model"))
}

fn segment(start_ms: u64, base_ms: u64) -> gst::Event {
    let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
    segment.set_start(gst::ClockTime::from_mseconds(start_ms));
    segment.set_base(gst::ClockTime::from_mseconds(base_ms));
    gst::event::Segment::new(&segment)
}

#[test]
fn an_action_is_a_cue_once_it_has_stopped() {
    let mut h = harness("format=webvtt");
    assert!(h.push_event(segment(0, 1000)));
    push(&mut h, 0, &classification(0));
    for state in [ActionState::Start, ActionState::Update] {
        assert!(h.push_event(action_event(state)));
    }
    assert_eq!(texts(&mut h), ["WEBVTT\n\n"]);
    assert_eq!(caps(&mut h), "application/x-subtitle-vtt");
    assert!(h.push_event(action_event(ActionState::Stop)));
    // PTS are those of the action, the file has its running time, which is a second more here.
    let cue = "2\n00:00:03.800 --> 00:00:05.600\nBack+25som+NoTwis+PIKE 95 %\n\n";
    assert_eq!(pieces(&mut h), [(Some(2800), Some(1800), cue.to_owned())]);
}

#[test]
fn a_chapter_is_a_label_alone() {
    let mut h = harness("format=webvtt cues=chapters");
    push(&mut h, 0, &classification(0));
    assert!(h.push_event(action_event(ActionState::Stop)));
    assert_eq!(texts(&mut h)[1..], ["2\n00:00:03.800 --> 00:00:05.600\nBack+25som+NoTwis+PIKE\n\n"]);
}

#[test]
fn labels_cannot_break_out_of_their_cue() {
    let mut h = harness("format=webvtt cues=chapters");
    push(&mut h, 0, &classification(0));
    assert!(h.push_event(stop_of("a <b> & c\n\n1\n00:00:00.000 --> 00:00:01.000\r\nd", 0.5)));
    let text = "a &lt;b&gt; &amp; c  1 00:00:00.000 --&gt; 00:00:01.000  d\n\n";
    assert_eq!(texts(&mut h)[1], format!("2\n00:00:03.800 --> 00:00:05.600\n{text}"));
}

#[test]
fn a_dated_cue_has_a_comment() {
    let mut h = harness("format=webvtt");
    push(&mut h, 0, &classification(0));
    assert!(h.push_event(dated_action_event(ActionState::Stop)));
    let comment = "NOTE\nstart 2026-11-21T10:20:28.123456789Z 10:20:28;03\n\
                   end 2026-11-21T10:20:29.123456789Z 10:20:29;03\n\n2\n00:00:03.800 -->";
    assert!(texts(&mut h)[1].starts_with(comment));
}

#[test]
fn cues_of_windows_follow_one_another_and_leave_background_out() {
    let mut h = harness("format=webvtt cues=windows");
    for window in 0..4 {
        let background = window == 2;
        push(&mut h, 200 * window, &Classification { background, ..classification(window) });
    }
    let cue = |n: u64, times: &str| (n, format!("{n}\n00:00:00.{}\nBack+25som+NoTwis+PIKE 93 %\n\n", times));
    let pieces_so_far = pieces(&mut h);
    assert_eq!(pieces_so_far[1], (Some(0), Some(200), cue(0, "000 --> 00:00:00.200").1));
    assert_eq!(pieces_so_far[2], (Some(200), Some(300), cue(1, "200 --> 00:00:00.500").1));
    assert_eq!(pieces_so_far[3], (Some(700), Some(200), cue(3, "700 --> 00:00:00.900").1));
    assert_eq!(pieces_so_far.len(), 4);
}

#[test]
fn cues_of_windows_do_not_bridge_gaps() {
    let mut h = harness("format=webvtt cues=windows");
    push(&mut h, 0, &classification(0));
    push(&mut h, 2000, &classification(10));
    h.push_event(gst::event::Eos::new());
    let times = |pieces: Vec<(Option<u64>, Option<u64>, String)>| {
        pieces.into_iter().skip(1).map(|(pts, duration, _)| (pts, duration)).collect::<Vec<_>>()
    };
    assert_eq!(times(pieces(&mut h)), [(Some(0), Some(200)), (Some(2000), Some(200))]);
}

#[test]
fn times_in_the_file_are_running_time() {
    let mut h = harness("format=webvtt cues=windows");
    assert!(h.push_event(segment(100, 0)));
    push(&mut h, 100, &classification(0));
    // The next segment goes on where the first one ended, though its PTS begin anew.
    assert!(h.push_event(segment(0, 5000)));
    push(&mut h, 0, &classification(1));
    h.push_event(gst::event::Eos::new());
    let cue = |n, times| format!("{n}\n{times}\nBack+25som+NoTwis+PIKE 93 %\n\n");
    let cues = [cue(0, "00:00:00.000 --> 00:00:00.100"), cue(1, "00:00:05.200 --> 00:00:05.400")];
    assert_eq!(texts(&mut h)[1..], cues);
}

#[test]
fn an_action_of_the_segment_before_is_a_cue_at_the_beginning_of_this_one() {
    let mut h = bare("format=webvtt");
    h.set_caps_str("video/x-raw,format=I420,width=64,height=48,framerate=25/1", "text/x-raw,format=utf8");
    push(&mut h, 0, &classification(0));
    // The action lasted from 3.8 s of running time to 5.6 s.
    assert!(h.push_event(segment(100, 4600)));
    push(&mut h, 100, &classification(1));
    assert!(h.push_event(action_event(ActionState::Stop)));
    assert!(h.push_event(segment(100, 9000)));
    push(&mut h, 100, &classification(2));
    assert!(h.push_event(action_event(ActionState::Stop)));
    let times: Vec<_> = pieces(&mut h).into_iter().map(|(pts, duration, _)| (pts, duration)).collect();
    assert_eq!(times, [(Some(100), Some(1000)), (Some(100), Some(0))]);
}

#[test]
fn where_downstream_takes_only_plain_text_there_is_only_text() {
    for (cues, text) in [
        ("actions", "a <b> --> & 50 %"),
        ("chapters", "a <b> --> &"),
        ("windows", "Back+25som+NoTwis+PIKE 93 %"),
    ] {
        let mut h = bare(&format!("format=webvtt cues={cues}"));
        h.set_caps_str("video/x-raw,format=I420,width=64,height=48,framerate=25/1", "text/x-raw,format=utf8");
        assert!(h.push_event(segment(0, 1000)));
        push(&mut h, 0, &classification(14));
        assert!(h.push_event(stop_of("a <b> --> &", 0.5)));
        assert!(h.push_event(gst::event::Eos::new()));
        let duration = if cues == "windows" { 200 } else { 1800 };
        assert_eq!(pieces(&mut h), [(Some(2800), Some(duration), text.to_owned())]);
        assert_eq!(caps(&mut h), "text/x-raw, format=(string)utf8");
    }
}

#[test]
fn a_muxer_is_told_after_each_cue_how_far_the_pictures_are() {
    let mut h = bare("format=webvtt");
    h.set_caps_str("video/x-raw,format=I420,width=64,height=48,framerate=25/1", "text/x-raw,format=utf8");
    h.push(frame(&info(), 4600)).unwrap();
    assert!(h.push_event(action_event(ActionState::Stop)));
    let ms = gst::ClockTime::from_mseconds;
    let gaps = std::iter::from_fn(|| h.try_pull_event())
        .filter_map(|event| match event.view() {
            gst::EventView::Gap(gap) => Some(gap.get()),
            _ => None,
        })
        .collect::<Vec<_>>();
    assert_eq!(gaps, [(ms(4600), Some(ms(40))); 2]);
}

#[test]
fn caps_downstream_that_no_format_has_are_an_error() {
    let mut h = bare("format=csv");
    let bus = gst::Bus::new();
    h.element().unwrap().set_bus(Some(&bus));
    h.set_sink_caps_str("text/x-raw,format=utf8");
    h.set_src_caps(info().to_caps().unwrap());
    assert_eq!(h.push(frame(&info(), 0)), Err(gst::FlowError::NotNegotiated));
    let error = bus.pop_filtered(&[gst::MessageType::Error]).unwrap();
    let gst::MessageView::Error(error) = error.view() else { panic!("no error") };
    assert_eq!(error.error().message(), "downstream takes no text/csv");
    h.element().unwrap().set_bus(None);
}

#[test]
fn each_format_offers_its_own_caps() {
    init();
    for (format, caps) in [
        ("json-lines", "application/jsonl"),
        ("webvtt", "application/x-subtitle-vtt; text/x-raw, format=(string)utf8"),
        ("csv", "text/csv"),
    ] {
        let element =
            gst::ElementFactory::make("artmetaenc").property_from_str("format", format).build().unwrap();
        assert_eq!(element.static_pad("src").unwrap().query_caps(None).to_string(), caps);
    }
}

#[test]
fn a_file_without_results_is_a_header() {
    for (format, header) in [("webvtt", "WEBVTT\n\n"), ("csv", "type,number,model,")] {
        let mut h = harness(&format!("format={format}"));
        h.push(frame(&info(), 40)).unwrap();
        let first = h.pull().unwrap();
        assert!(first.flags().contains(gst::BufferFlags::HEADER));
        assert_eq!(first.pts(), Some(gst::ClockTime::from_mseconds(40)));
        assert!(bytes(&first).starts_with(header.as_bytes()));
        h.push(frame(&info(), 80)).unwrap();
        h.push_event(gst::event::Eos::new());
        assert_eq!(pieces(&mut h), []);

        let mut h = harness(&format!("format={format}"));
        h.push_event(gst::event::Eos::new());
        assert_eq!(texts(&mut h).len(), 1);
    }
}

#[test]
fn a_flush_starts_the_file_anew_and_another_stream_does_not() {
    for format in ["webvtt cues=windows", "csv"] {
        let mut h = harness(&format!("format={format}"));
        push(&mut h, 0, &classification(0));
        let before = texts(&mut h);
        h.push_event(gst::event::FlushStart::new());
        h.push_event(gst::event::FlushStop::new(true));
        h.push_event(segment(0, 0));
        push(&mut h, 0, &classification(0));
        assert_eq!(texts(&mut h), before, "{format}");

        h.push_event(gst::event::StreamStart::new("another"));
        h.push_event(gst::event::Caps::new(&info().to_caps().unwrap()));
        h.push_event(segment(0, 0));
        push(&mut h, 0, &classification(0));
        h.push_event(gst::event::Eos::new());
        assert_eq!(texts(&mut h).len(), 1, "{format}");
    }
}

#[test]
fn rows_are_windows_and_actions_that_have_stopped() {
    let mut h = harness("format=csv");
    assert!(h.push_event(segment(0, 1000)));
    push(&mut h, 0, &classification(0));
    for state in [ActionState::Start, ActionState::Update, ActionState::Stop] {
        assert!(h.push_event(action_event(state)));
    }
    push(&mut h, 40, &dated_classification(1));
    assert!(h.push_event(dated_action_event(ActionState::Stop)));
    let start = "2026-11-21T10:20:28.123456789Z,10:20:28;03";
    let end = "2026-11-21T10:20:29.123456789Z,10:20:29;03";
    let rows = pieces(&mut h);
    let expected = [
        "type,number,model,label,label_id,score,start,start_utc,start_timecode,end,end_utc,end_timecode,object"
            .into(),
        "window,0,test-model,Back+25som+NoTwis+PIKE,7,0.93,0,,,400000000,,,".into(),
        "action,2,test-model,Back+25som+NoTwis+PIKE,7,0.95,2800000000,,,4600000000,,,".into(),
        format!("window,1,test-model,Back+25som+NoTwis+PIKE,7,0.93,200000000,{start},600000000,,,"),
        format!("action,2,test-model,Back+25som+NoTwis+PIKE,7,0.95,2800000000,{start},4600000000,{end},"),
    ];
    assert_eq!(
        rows.iter().map(|(_, _, text)| text.clone()).collect::<Vec<_>>(),
        expected.map(|row: String| row + "\r\n")
    );
    // Buffers have the times of JSON Lines.
    assert_eq!((rows[1].0, rows[1].1), (Some(0), Some(400)));
    assert_eq!((rows[2].0, rows[2].1), (Some(4600), None));
    assert_eq!(caps(&mut h), "text/csv");
}

#[test]
fn labels_come_back_from_csv() {
    let labels = ["a,b", "say \"a\"", "two\r\nlines", " blank ", "", "=1+1", "ä"];
    let mut h = harness("format=csv");
    push(&mut h, 0, &classification(0));
    for label in labels {
        assert!(h.push_event(stop_of(label, 0.5)));
    }
    let file = texts(&mut h).concat();
    let mut reader = csv::Reader::from_reader(file.as_bytes());
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    let found: Vec<_> = rows[1..].iter().map(|row| &row[3]).collect();
    assert_eq!(found, labels);
}

#[test]
fn the_documented_columns_are_those_of_the_header() {
    let mut h = harness("format=csv");
    h.push(frame(&info(), 0)).unwrap();
    let header = texts(&mut h).remove(0);
    let documented: Vec<_> = include_str!("../docs/metadata.md")
        .lines()
        .skip_while(|line| *line != "## CSV")
        .skip_while(|line| !line.starts_with("| column"))
        .skip(2)
        .take_while(|line| line.starts_with("| "))
        .map(|row| row.split('`').nth(1).unwrap())
        .collect();
    assert_eq!(documented.join(",") + "\r\n", header);
}

#[test]
fn defaults_are_real() {
    init();
    common::assert_defaults_are_real("artmetaenc");
}
