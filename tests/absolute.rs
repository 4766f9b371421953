//! UTC and timecode from the frames that go into `artclassify` to bus messages and the lines of `artmetaenc`.

#![allow(clippy::unwrap_used)] // The exemption for tests does not reach their helpers.

mod common;

use gst::prelude::*;
use gst_video::{ValidVideoTimeCode, VideoTimeCodeFlags, VideoTimeCodeMeta};
use gstartclassify::{
    action::{ActionEvent, ActionState},
    meta,
};
use serde_json::Value;

const SECOND: u64 = 1_000_000_000;
const MS: u64 = 1_000_000;
/// 2026-11-21T10:20:28Z.
const EPOCH: u64 = 1_795_256_428 * SECOND;
const NTP_TO_UNIX: u64 = 2_208_988_800 * SECOND;
const RATES: [(i32, i32); 3] = [(30_000, 1001), (25, 1), (60_000, 1001)];

const RED: u8 = 0;
const BLUE: u8 = 2;

/// `artclassify ! artmetaenc`, fed with frames of one colour.
struct Bench {
    harness: gst_check::Harness,
    bus: gst::Bus,
    rate: (i32, i32),
    frame: u64,
}

impl Bench {
    fn new(rate: (i32, i32)) -> Self {
        common::init();
        let model = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/colours/model.toml");
        let mut harness = gst_check::Harness::new_parse(&format!(
            "artclassify model={model} smoothing=0 min-duration=0 ! artmetaenc"
        ));
        harness.set_live(false);
        let bus = gst::Bus::new();
        harness.element().unwrap().set_bus(Some(&bus));
        let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::Rgb, 16, 16).fps(rate).build();
        harness.set_src_caps(info.unwrap().to_caps().unwrap());
        Self { harness, bus, rate, frame: 0 }
    }

    /// PTS of a frame, in nanoseconds.
    fn pts(&self, frame: u64) -> u64 {
        frame * SECOND * self.rate.1 as u64 / self.rate.0 as u64
    }

    /// Pushes frames of a colour, with the references that `refer` adds to the frame of a number and a PTS.
    fn push(&mut self, color: u8, frames: u64, refer: impl Fn(&mut gst::BufferRef, u64, u64)) {
        for _ in 0..frames {
            let (frame, pts) = (self.frame, self.pts(self.frame));
            self.frame += 1;
            let mut pixel = [0; 3];
            pixel[usize::from(color)] = 255;
            let mut buffer = gst::Buffer::from_mut_slice(pixel.repeat(16 * 16));
            let writable = buffer.get_mut().unwrap();
            writable.set_pts(gst::ClockTime::from_nseconds(pts));
            refer(writable, frame, pts);
            assert_eq!(self.harness.push(buffer), Ok(gst::FlowSuccess::Ok));
        }
    }

    /// Forgets what came in, as a seek does.
    fn flush(&mut self) {
        assert!(self.harness.push_event(gst::event::FlushStart::new()));
        assert!(self.harness.push_event(gst::event::FlushStop::new(true)));
        self.send_segment(0);
        self.frame = 0;
    }

    fn send_segment(&mut self, base: u64) {
        let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
        // Time goes on, so that the segment starts no new window.
        segment.set_base(gst::ClockTime::from_nseconds(base));
        segment.set_time(gst::ClockTime::from_nseconds(base));
        assert!(self.harness.push_event(gst::event::Segment::new(&segment)));
    }

    /// The lines that are ready.
    fn lines(&mut self) -> Vec<Value> {
        std::iter::from_fn(|| self.harness.try_pull())
            .map(|buffer| serde_json::from_slice(&common::bytes(&buffer)).unwrap())
            .collect()
    }

    /// The actions that the bus told of.
    fn told(&self) -> Vec<ActionEvent> {
        std::iter::from_fn(|| self.bus.pop_filtered(&[gst::MessageType::Element]))
            .filter_map(|message| Some(meta::read_action(message.structure()?)?.event))
            .collect()
    }

    /// Ends the stream: its lines and the actions that the bus told of.
    fn finish(mut self) -> (Vec<Value>, Vec<ActionEvent>) {
        self.harness.push_event(gst::event::Eos::new());
        while self.harness.pull_event().unwrap().type_() != gst::EventType::Eos {}
        let told = self.told();
        self.harness.element().unwrap().set_bus(None);
        (self.lines(), told)
    }
}

fn nothing(_: &mut gst::BufferRef, _: u64, _: u64) {}

fn add_reference(buffer: &mut gst::BufferRef, caps: &str, time: u64) {
    let caps = caps.parse::<gst::Caps>().unwrap();
    gst::ReferenceTimestampMeta::add(buffer, &caps, gst::ClockTime::from_nseconds(time), None);
}

/// The timecode of a frame of a stream that starts just before a minute ends.
fn timecode(rate: (i32, i32), frame: u64) -> ValidVideoTimeCode {
    let mut flags = VideoTimeCodeFlags::empty();
    flags.set(VideoTimeCodeFlags::DROP_FRAME, rate.1 == 1001);
    let mut code = ValidVideoTimeCode::new(rate.into(), None, flags, 10, 20, 58, 20, 0).unwrap();
    code.add_frames(frame as i64);
    code
}

/// UTC of a line or a message, in nanoseconds since `EPOCH`, by its text.
fn since_epoch(utc: &Value) -> u64 {
    let seconds = utc.as_str().unwrap().strip_prefix("2026-11-21T10:20:").unwrap().strip_suffix('Z').unwrap();
    let (whole, fraction) = seconds.split_once('.').unwrap();
    (whole.parse::<u64>().unwrap() - 28) * SECOND + fraction.parse::<u64>().unwrap()
}

fn actions(lines: &[Value]) -> Vec<&Value> {
    lines.iter().filter(|line| line["type"] == "action").collect()
}

fn windows(lines: &[Value]) -> Vec<&Value> {
    lines.iter().filter(|line| line["type"] == "window").collect()
}

#[test]
fn actions_and_windows_have_the_times_of_their_frames() {
    for rate in RATES {
        let mut bench = Bench::new(rate);
        let refer = |buffer: &mut gst::BufferRef, frame, pts| {
            add_reference(buffer, "timestamp/x-unix", EPOCH + pts);
            VideoTimeCodeMeta::add(buffer, &timecode(rate, frame));
        };
        let second = (rate.0 / rate.1) as u64 + 1;
        for color in [BLUE, RED, BLUE] {
            bench.push(color, second, refer);
        }
        let pts: Vec<u64> = (0..3 * second).map(|frame| bench.pts(frame)).collect();
        let (lines, told) = bench.finish();
        let on_screen = |moment: u64| {
            let frame = pts.iter().rposition(|&pts| pts <= moment + MS).unwrap() as u64;
            timecode(rate, frame).to_string()
        };
        let check = |line: &Value, end: &str| {
            let moment = line[end].as_u64().unwrap();
            assert!(since_epoch(&line[format!("{end}_utc")]).abs_diff(moment) <= MS, "{rate:?}: {line}");
            assert_eq!(line[format!("{end}_timecode")], on_screen(moment), "{rate:?}: {line}");
        };
        lines.iter().for_each(|line| check(line, "start"));
        assert!(windows(&lines).len() > 10);
        let [start, stop] = actions(&lines)[..] else { panic!("{rate:?}: {lines:?}") };
        check(stop, "end");

        assert_eq!(told.len(), 2);
        assert_eq!((told[0].state, told[1].state), (ActionState::Start, ActionState::Stop));
        assert_eq!(told[0].start, told[1].start);
        let absolute = told[0].start.absolute;
        assert_eq!(absolute.utc, Some(EPOCH + since_epoch(&start["start_utc"])));
        assert_eq!(start["start_timecode"], absolute.timecode.unwrap().to_string());
        let absolute = told[1].end.unwrap().absolute;
        assert_eq!(absolute.utc, Some(EPOCH + since_epoch(&stop["end_utc"])));
    }
}

#[test]
fn drop_frame_timecodes_leave_out_the_numbers_that_the_standard_drops() {
    let rate = (30_000, 1001);
    let mut bench = Bench::new(rate);
    // From 10:20:58;20 the last frame of the minute is the 40th; frame 40 is 10:21:00;02.
    let refer = |buffer: &mut gst::BufferRef, frame, _| {
        if frame == 0 {
            VideoTimeCodeMeta::add(buffer, &timecode(rate, 0));
        }
    };
    bench.push(RED, 70, refer);
    let (lines, _) = bench.finish();
    let at = |pts: u64| {
        let found = windows(&lines).into_iter().find(|line| line["start"].as_u64().unwrap() == pts);
        found.unwrap_or_else(|| panic!("no window at {pts}: {lines:?}"))["start_timecode"].clone()
    };
    let pts = |frame: u64| frame * SECOND * 1001 / 30_000;
    assert_eq!(at(pts(0)), "10:20:58;20");
    assert_eq!(at(pts(36)), "10:20:59;26");
    assert_eq!(at(pts(42)), "10:21:00;04");
    assert!(lines.iter().all(|line| line.get("start_utc").is_none()));
}

#[test]
fn references_that_start_in_the_middle_date_what_comes_after_them() {
    let mut bench = Bench::new((25, 1));
    let refer = |buffer: &mut gst::BufferRef, frame, pts| {
        add_reference(buffer, "timestamp/x-ptp, version=IEEE1588-2008", 5);
        if frame >= 38 && frame % 15 == 8 {
            add_reference(buffer, "timestamp/x-ntp, host=pool.ntp.org", NTP_TO_UNIX + EPOCH + pts);
        }
    };
    bench.push(BLUE, 25, refer);
    bench.push(RED, 25, refer);
    bench.push(BLUE, 25, refer);
    let (lines, told) = bench.finish();
    let first = 38 * SECOND / 25;
    for line in windows(&lines) {
        let start = line["start"].as_u64().unwrap();
        let dated = line.get("start_utc").map(since_epoch);
        assert_eq!(dated, (start >= first).then_some(start), "{line}");
    }
    let [start, stop] = actions(&lines)[..] else { panic!("{lines:?}") };
    assert_eq!((start.get("start_utc"), stop.get("start_utc")), (None, None));
    assert_eq!(since_epoch(&stop["end_utc"]), stop["end"].as_u64().unwrap());
    assert_eq!(told[1].start.absolute.utc, None);
    assert!(lines.iter().all(|line| line.get("start_timecode").is_none()));
}

#[test]
fn a_flush_and_a_new_segment_forget_the_references_but_no_action_its_start() {
    for flush in [true, false] {
        let rate = (25, 1);
        let mut bench = Bench::new(rate);
        let refer = |buffer: &mut gst::BufferRef, frame, pts| {
            add_reference(buffer, "timestamp/x-unix", EPOCH + pts);
            VideoTimeCodeMeta::add(buffer, &timecode(rate, frame));
        };
        bench.push(RED, 50, refer);
        if flush {
            // The start of the action must have left before the flush, or nobody ever hears of the action.
            while bench
                .harness
                .pull()
                .is_ok_and(|line| !common::bytes(&line).starts_with(br#"{"type":"action"#))
            {}
            bench.flush();
            bench.lines();
        } else {
            bench.frame = 0;
            bench.send_segment(2 * SECOND);
        }
        bench.push(RED, 50, nothing);
        let (lines, told) = bench.finish();
        let stop = told.iter().find(|event| event.state == ActionState::Stop).unwrap();
        assert_eq!(stop.start.absolute.utc, Some(EPOCH), "{flush}");
        assert_eq!(stop.start.absolute.timecode.unwrap().to_string(), "10:20:58:20", "{flush}");
        let late = windows(&lines).into_iter().rev().take(5);
        assert!(late.clone().all(|line| line.get("start_utc").is_none()), "{flush}: {lines:?}");
        assert!(late.clone().all(|line| line.get("start_timecode").is_none()), "{flush}: {lines:?}");
        if flush {
            assert!(lines.iter().all(|line| line.get("start_utc").is_none()), "{lines:?}");
        }
    }
}

#[test]
fn a_window_over_two_segments_is_not_dated_by_the_second() {
    let mut bench = Bench::new((25, 1));
    bench.push(RED, 50, |buffer, _, pts| add_reference(buffer, "timestamp/x-unix", EPOCH + pts));
    // Time stamps start anew, time goes on.
    bench.frame = 0;
    bench.send_segment(2 * SECOND);
    bench
        .push(RED, 50, |buffer, _, pts| add_reference(buffer, "timestamp/x-unix", EPOCH + 20 * SECOND + pts));
    let (lines, _) = bench.finish();
    let starts: Vec<(u64, Option<u64>)> = windows(&lines)
        .into_iter()
        .map(|line| (line["start"].as_u64().unwrap(), line.get("start_utc").map(since_epoch)))
        .collect();
    let second = starts.windows(2).position(|pair| pair[1].0 < pair[0].0).unwrap() + 1;
    for (start, utc) in &starts[..second] {
        assert!(utc.is_none_or(|utc| utc == *start), "{starts:?}");
    }
    assert!(starts[..second].iter().filter(|(_, utc)| utc.is_some()).count() > 5, "{starts:?}");
    assert!(starts[second..].iter().all(|(start, utc)| *utc == Some(20 * SECOND + start)), "{starts:?}");
}
