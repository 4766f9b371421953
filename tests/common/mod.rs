//! What the test binaries share.

#![allow(dead_code)] // Each binary uses a part of it.
#![allow(clippy::unwrap_used)] // Helpers of tests stand outside of test functions.

pub mod bench;

use std::sync::{Arc, Once};

use gst::prelude::*;
use gstartclassify::action::{ActionEvent, ActionState, Dated, Moment};
use gstartclassify::classification::{ClassScore, Classification, PixelBox, Query, SampleBox, Tracklet};
use gstartclassify::meta::FrameSize;
use gstartclassify::timeline::{AbsoluteTime, Timecode};

/// Starts GStreamer with the plugin in it.
pub fn init() {
    static INIT: Once = Once::new();
    INIT.call_once(|| {
        gst::init().expect("GStreamer starts");
        gstartclassify::plugin_register_static().expect("the plugin registers");
    });
}

pub const MS: u64 = 1_000_000;

pub fn class(label: &str, label_id: u32, score: f32) -> ClassScore {
    ClassScore { label: label.into(), label_id, score }
}

/// A window of four samples, 100 ms apart, with one region that moves to the right by 8 pixels a sample.
pub fn classification(window: u64) -> Classification {
    let start = window * 200 * MS;
    let samples: Vec<u64> = (0..4).map(|n| start + n * 100 * MS).collect();
    Classification {
        model: Arc::from("test-model"),
        object: None,
        window,
        start,
        start_absolute: AbsoluteTime::default(),
        end: start + 400 * MS,
        top: vec![class("Back+25som+NoTwis+PIKE", 7, 0.93), class("Inward+15som", 3, 0.05)],
        background: false,
        tracklets: vec![
            Tracklet {
                id: 3,
                first_seen: start,
                query: Some(Query { label: Arc::from("Back+25som+NoTwis+PIKE"), label_id: 7 }),
                boxes: samples
                    .iter()
                    .enumerate()
                    .map(|(n, &pts)| SampleBox {
                        pts,
                        area: PixelBox { x: 4 + 8 * n as u32, y: 10, w: 20, h: 24 },
                        relevance: 0.1 + 0.1 * n as f32,
                    })
                    .collect(),
            },
            Tracklet {
                id: 4,
                first_seen: start,
                query: None,
                boxes: samples
                    .iter()
                    .map(|&pts| SampleBox { pts, area: PixelBox { x: 0, y: 0, w: 0, h: 0 }, relevance: 0.25 })
                    .collect(),
            },
        ],
        samples,
    }
}

pub fn action(state: ActionState) -> ActionEvent {
    let moment = |ms: u64| Dated::unknown(Moment { pts: ms * MS, running_time: (ms + 1000) * MS });
    ActionEvent {
        object: None,
        state,
        action: 2,
        class: class("Back+25som+NoTwis+PIKE", 7, 0.95),
        start: moment(2800),
        end: (state == ActionState::Stop).then(|| moment(4600)),
    }
}

/// 2026-11-21T10:20:28.123456789Z and a drop-frame timecode.
pub fn absolute() -> AbsoluteTime {
    let timecode = Timecode { hours: 10, minutes: 20, seconds: 28, frames: 3, drop_frame: true };
    AbsoluteTime { utc: Some(1_795_256_428_123_456_789), timecode: Some(timecode) }
}

/// The window of a stream that tells UTC and timecode.
pub fn dated_classification(window: u64) -> Classification {
    Classification { start_absolute: absolute(), ..classification(window) }
}

/// The action of a stream that tells UTC and timecode; it ends a second after the window starts.
pub fn dated_action(state: ActionState) -> ActionEvent {
    let mut event = action(state);
    event.start.absolute = absolute();
    if let Some(end) = &mut event.end {
        let timecode = Timecode { hours: 10, minutes: 20, seconds: 29, frames: 3, drop_frame: true };
        end.absolute = AbsoluteTime { utc: Some(1_795_256_429_123_456_789), timecode: Some(timecode) };
    }
    event
}

/// The in-band event of an action.
pub fn action_event(state: ActionState) -> gst::Event {
    event_of(&action(state))
}

/// The in-band event of an action of a stream that tells UTC and timecode.
pub fn dated_action_event(state: ActionState) -> gst::Event {
    event_of(&dated_action(state))
}

fn event_of(event: &ActionEvent) -> gst::Event {
    gst::event::CustomDownstream::new(gstartclassify::meta::action_structure(event, "test-model"))
}

pub fn video_info(format: gst_video::VideoFormat, width: u32, height: u32) -> gst_video::VideoInfo {
    init();
    gst_video::VideoInfo::builder(format, width, height).fps((25, 1)).build().expect("a valid format")
}

/// A frame of one colour, row padding included.
pub fn frame(info: &gst_video::VideoInfo, pts_ms: u64) -> gst::Buffer {
    // Samples of 10 bits must leave the others at 0.
    let fill: [u8; 2] = if info.comp_depth(0) == 8 { [0x80, 0x80] } else { [0x00, 0x02] };
    let data: Vec<u8> = fill.into_iter().cycle().take(info.size()).collect();
    let mut buffer = gst::Buffer::from_mut_slice(data);
    let writable = buffer.get_mut().expect("a new buffer is writable");
    writable.set_pts(gst::ClockTime::from_mseconds(pts_ms));
    writable.set_duration(gst::ClockTime::from_mseconds(40));
    buffer
}

/// Such a frame with a result.
pub fn frame_with(
    info: &gst_video::VideoInfo,
    pts_ms: u64,
    result: &Classification,
    first: bool,
) -> gst::Buffer {
    let mut buffer = frame(info, pts_ms);
    let writable = buffer.get_mut().expect("a new buffer is writable");
    let pts = writable.pts();
    gstartclassify::meta::write(writable, result, FrameSize::from(info), pts, first, None)
        .expect("the meta is registered");
    buffer
}

pub fn bytes(buffer: &gst::BufferRef) -> Vec<u8> {
    buffer.map_readable().expect("a readable buffer").to_vec()
}

/// Checks that the declared default of every property of an element is the value that it has.
pub fn assert_defaults_are_real(element: &str) {
    let element = gst::ElementFactory::make(element).build().expect("the element exists");
    for pspec in element.list_properties() {
        if matches!(pspec.name(), "name" | "parent") {
            continue;
        }
        let real = element.property_value(pspec.name());
        assert_eq!(format!("{:?}", pspec.default_value()), format!("{real:?}"), "{}", pspec.name());
    }
}
