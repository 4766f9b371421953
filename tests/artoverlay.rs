//! `artoverlay`: what is drawn, where, on which formats, and what is left alone.

#![allow(clippy::unwrap_used)] // The exemption for tests does not reach their helpers.

mod common;

use common::{action, action_event, bytes, class, classification, frame, frame_with, init, video_info};
use gst::prelude::*;
use gst_video::{VideoFormat, VideoFrameRef, VideoOverlayCompositionMeta};
use gstartclassify::action::{ActionEvent, ActionState};
use gstartclassify::classification::{Classification, PixelBox};
use gstartclassify::meta::{self, FrameSize, MarkedObject};

const WIDTH: u32 = 320;
const HEIGHT: u32 = 180;
/// The one region of [`result`].
const AREA: PixelBox = PixelBox { x: 101, y: 40, w: 60, h: 80 };

fn result() -> Classification {
    let mut result = classification(0);
    result.tracklets.truncate(1);
    result.tracklets[0].boxes.iter_mut().for_each(|sample| sample.area = AREA);
    result
}

/// A frame with a result of an object that lies there.
fn frame_with_object(info: &gst_video::VideoInfo, label: &str, area: PixelBox) -> gst::Buffer {
    let mut buffer = frame(info, 0);
    let result = Classification {
        object: Some(7),
        top: vec![class(label, 7, 0.93)],
        tracklets: Vec::new(),
        ..classification(0)
    };
    let object = MarkedObject { id: 7, area, entry: None };
    let writable = buffer.get_mut().unwrap();
    meta::write(writable, &result, FrameSize::from(info), None, true, Some(object)).unwrap();
    buffer
}

fn harness(info: &gst_video::VideoInfo) -> gst_check::Harness {
    init();
    let mut harness = gst_check::Harness::new("artoverlay");
    harness.set_src_caps(info.to_caps().unwrap());
    harness
}

fn without_banner(harness: &gst_check::Harness) {
    harness.element().unwrap().set_property_from_str("banner", "none");
}

/// The positions of the first plane's bytes that differ, as x in bytes and y, and whether other planes differ.
fn difference(
    info: &gst_video::VideoInfo,
    a: &gst::BufferRef,
    b: &gst::BufferRef,
) -> (Vec<(u32, u32)>, bool) {
    let a = VideoFrameRef::from_buffer_ref_readable(a, info).unwrap();
    let b = VideoFrameRef::from_buffer_ref_readable(b, info).unwrap();
    let stride = info.stride()[0] as usize;
    let changed = std::iter::zip(a.plane_data(0).unwrap(), b.plane_data(0).unwrap())
        .enumerate()
        .filter(|(_, (a, b))| a != b)
        .map(|(at, _)| ((at % stride) as u32, (at / stride) as u32))
        .collect();
    let others =
        (1..info.n_planes()).any(|plane| a.plane_data(plane).unwrap() != b.plane_data(plane).unwrap());
    (changed, others)
}

#[test]
fn the_box_is_drawn_where_it_is_in_every_format() {
    for (format, pixel_bytes) in [
        (VideoFormat::I420, 1),
        (VideoFormat::Nv12, 1),
        (VideoFormat::Yuy2, 2),
        (VideoFormat::Rgb, 3),
        (VideoFormat::Bgrx, 4),
        (VideoFormat::Gray8, 1),
        (VideoFormat::I42010le, 2),
        (VideoFormat::P01010le, 2),
        (VideoFormat::V210, 0),
    ] {
        let info = video_info(format, WIDTH, HEIGHT);
        let mut h = harness(&info);
        without_banner(&h);
        let out = h.push_and_pull(frame_with(&info, 0, &result(), true)).unwrap();
        let (changed, others) = difference(&info, &frame(&info, 0), &out);
        assert!(!changed.is_empty(), "{format}");
        assert_eq!(others, info.n_planes() > 1, "{format}: chroma");
        if pixel_bytes == 0 {
            continue;
        }
        // YUY2 shares chroma between two pixels.
        let slack = u32::from(format == VideoFormat::Yuy2);
        let columns = changed.iter().map(|(x, _)| x / pixel_bytes);
        assert!(columns.clone().min().unwrap() >= AREA.x - slack, "{format}");
        assert!(columns.max().unwrap() < AREA.x + AREA.w + slack, "{format}");
        let rows = changed.iter().map(|(_, y)| *y);
        assert_eq!(rows.clone().max().unwrap(), AREA.y + AREA.h - 1, "{format}");
        assert!((10..AREA.y).contains(&rows.min().unwrap()), "{format}: the id stands above the box");
        let inside = |&(x, y): &(u32, u32)| {
            let x = x / pixel_bytes;
            (AREA.x + 8..AREA.x + AREA.w - 8).contains(&x) && (AREA.y + 8..AREA.y + AREA.h - 8).contains(&y)
        };
        assert!(!changed.iter().any(inside), "{format}: the inside is left alone");
    }
}

#[test]
fn every_format_of_the_template_can_be_blended_at_odd_sizes() {
    init();
    let factory = gst::ElementFactory::find("artoverlay").unwrap();
    let templates = factory.static_pad_templates();
    let template = templates.iter().find(|pad| pad.name_template() == "sink").unwrap();
    let caps = template.caps();
    let formats: Vec<String> = caps
        .structure(0)
        .unwrap()
        .get::<gst::List>("format")
        .unwrap()
        .iter()
        .map(|name| name.get().unwrap())
        .collect();
    assert!(formats.len() > 90, "{formats:?}");
    for broken in ["UYVP", "RGB8P", "NV61"] {
        assert!(!formats.iter().any(|format| format == broken));
    }
    for format in formats {
        let info = video_info(VideoFormat::from_string(&format), 33, 21);
        let mut h = harness(&info);
        let mut result = result();
        let area = PixelBox { x: 5, y: 3, w: 28, h: 18 };
        result.tracklets[0].boxes.iter_mut().for_each(|sample| sample.area = area);
        let out = h.push_and_pull(frame_with(&info, 0, &result, true)).unwrap();
        assert_ne!(bytes(&out), bytes(&frame(&info, 0)), "{format}");
    }
}

#[test]
fn formats_that_cannot_be_blended_are_refused() {
    init();
    let element = gst::ElementFactory::make("artoverlay").build().unwrap();
    let pad = element.static_pad("sink").unwrap();
    let mut sink = gst_check::Harness::with_element(&element, None, Some("src"));
    sink.set_sink_caps_str("video/x-raw");
    for (format, accepted) in [("I420", true), ("UYVP", false), ("RGB8P", false)] {
        let caps = gst::Caps::builder("video/x-raw").field("format", format).build();
        assert_eq!(pad.query_accept_caps(&caps), accepted, "{format}");
        assert_eq!(pad.query_caps(Some(&caps)).is_empty(), !accepted, "{format}");
    }
}

#[test]
fn frames_without_a_result_are_the_very_same() {
    let info = video_info(VideoFormat::I420, WIDTH, HEIGHT);
    let mut h = harness(&info);
    let buffer = frame(&info, 0);
    let (before, address) = (bytes(&buffer), buffer.as_ptr());
    let out = h.push_and_pull(buffer).unwrap();
    assert_eq!((bytes(&out), out.as_ptr()), (before, address));
}

#[test]
fn frames_with_nothing_to_show_are_not_copied() {
    let info = video_info(VideoFormat::I420, WIDTH, HEIGHT);
    let mut h = harness(&info);
    let mut weak = result();
    weak.top[0].score = 0.29;
    let buffer = frame_with(&info, 0, &weak, true);
    let shared = buffer.clone();
    let out = h.push_and_pull(buffer).unwrap();
    assert_eq!(out.as_ptr(), shared.as_ptr());
}

#[test]
fn a_frame_that_others_hold_is_copied_before_it_is_drawn_on() {
    let info = video_info(VideoFormat::I420, WIDTH, HEIGHT);
    let mut h = harness(&info);
    let buffer = frame_with(&info, 0, &result(), true);
    let shared = buffer.clone();
    let out = h.push_and_pull(buffer).unwrap();
    assert_eq!(bytes(&shared), bytes(&frame(&info, 0)));
    assert_ne!(bytes(&out), bytes(&shared));
}

#[test]
fn the_banner_stands_in_its_corner() {
    let info = video_info(VideoFormat::Gray8, WIDTH, HEIGHT);
    for (position, rows) in [("bottom", HEIGHT / 2..HEIGHT), ("top", 0..HEIGHT / 2)] {
        let mut h = harness(&info);
        let element = h.element().unwrap();
        element.set_property_from_str("banner", position);
        element.set_property("boxes", false);
        let out = h.push_and_pull(frame_with(&info, 0, &result(), true)).unwrap();
        let (changed, _) = difference(&info, &frame(&info, 0), &out);
        assert!(changed.len() > 500, "{position}");
        assert!(changed.iter().all(|(_, y)| rows.contains(y)), "{position}");
    }
}

#[test]
fn a_long_label_stays_in_the_picture() {
    let info = video_info(VideoFormat::Gray8, WIDTH, HEIGHT);
    let mut h = harness(&info);
    h.element().unwrap().set_property("boxes", false);
    let mut long = result();
    long.top[0].label = "a label that goes on ".repeat(40).into();
    let out = h.push_and_pull(frame_with(&info, 0, &long, true)).unwrap();
    let (changed, _) = difference(&info, &frame(&info, 0), &out);
    let right = changed.iter().map(|(x, _)| *x).max().unwrap();
    assert!((WIDTH - 12..WIDTH - 4).contains(&right), "{right}");
}

#[test]
fn an_object_outside_of_the_picture_is_not_drawn() {
    // GStreamer blends the first, artoverlay the second.
    for format in [VideoFormat::Rgba, VideoFormat::Rgb] {
        let info = video_info(format, WIDTH, HEIGHT);
        for area in [
            PixelBox { x: 10, y: 10, w: 0, h: 0 },
            PixelBox { x: 10, y: 10, w: 20, h: 0 },
            PixelBox { x: WIDTH + 6, y: 10, w: 20, h: 20 },
            PixelBox { x: 10, y: u32::MAX - 4, w: 20, h: 20 },
        ] {
            let mut h = harness(&info);
            let out = h.push_and_pull(frame_with_object(&info, "vault", area)).unwrap();
            assert_eq!(bytes(&out), bytes(&frame(&info, 0)), "{format} {area:?}");
        }
        let mut h = harness(&info);
        let thin = PixelBox { x: WIDTH - 1, y: 90, w: 20, h: 20 };
        let out = h.push_and_pull(frame_with_object(&info, "vault", thin)).unwrap();
        assert_ne!(bytes(&out), bytes(&frame(&info, 0)), "{format}: a column of it is seen");
    }
}

#[test]
fn a_long_label_of_an_object_stays_in_the_picture() {
    let info = video_info(VideoFormat::Gray8, 1920, 1080);
    let mut h = harness(&info);
    h.element().unwrap().set_property("text-size", 0.2);
    let area = PixelBox { x: 600, y: 400, w: 500, h: 500 };
    let out = h.push_and_pull(frame_with_object(&info, &"m".repeat(400), area)).unwrap();
    let (changed, _) = difference(&info, &frame(&info, 0), &out);
    let tag = changed.iter().filter(|(_, y)| *y < area.y).map(|(x, _)| *x);
    assert!(tag.clone().min().unwrap() < 100 && tag.max().unwrap() > 1800);
}

#[test]
fn a_running_action_changes_the_banner_until_it_stops() {
    let info = video_info(VideoFormat::Gray8, WIDTH, HEIGHT);
    let mut h = harness(&info);
    let mut draw = |event: Option<gst::Event>| {
        if let Some(event) = event {
            assert!(h.push_event(event));
        }
        bytes(&h.push_and_pull(frame_with(&info, 0, &result(), true)).unwrap())
    };
    let idle = draw(None);
    let running = draw(Some(action_event(ActionState::Start)));
    assert_ne!(running, idle);
    assert_eq!(draw(Some(action_event(ActionState::Stop))), idle);
}

#[test]
fn actions_of_two_models_run_beside_each_other() {
    let info = video_info(VideoFormat::Gray8, WIDTH, HEIGHT);
    let mut h = harness(&info);
    let mut draw = |event: Option<(&str, ActionState, &str)>| {
        if let Some((model, state, label)) = event {
            let told = ActionEvent { class: class(label, 7, 0.9), ..action(state) };
            let event = gst::event::CustomDownstream::new(meta::action_structure(&told, model));
            assert!(h.push_event(event));
        }
        bytes(&h.push_and_pull(frame_with(&info, 0, &result(), true)).unwrap())
    };
    let idle = draw(None);
    let vault = draw(Some(("floor", ActionState::Start, "vault")));
    let beam = draw(Some(("beams", ActionState::Start, "beam")));
    assert!(vault != idle && beam != idle && beam != vault);
    assert_eq!(draw(Some(("beams", ActionState::Stop, "beam"))), vault, "the other one still runs");
    assert_eq!(draw(Some(("floor", ActionState::Stop, "vault"))), idle);
}

#[test]
fn a_flush_forgets_trails_and_actions() {
    let info = video_info(VideoFormat::Gray8, WIDTH, HEIGHT);
    let moved = |n: u64| {
        let mut result = result();
        result.tracklets[0].boxes.iter_mut().for_each(|sample| sample.area.x = 20 * n as u32);
        frame_with(&info, 40 * n, &result, true)
    };
    let mut h = harness(&info);
    let fresh = bytes(&h.push_and_pull(moved(5)).unwrap());

    let mut h = harness(&info);
    h.push_event(action_event(ActionState::Start));
    for n in 0..5 {
        h.push_and_pull(moved(n)).unwrap();
    }
    h.push_event(gst::event::FlushStart::new());
    h.push_event(gst::event::FlushStop::new(true));
    h.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
    assert_eq!(bytes(&h.push_and_pull(moved(5)).unwrap()), fresh);

    let trailing = bytes(&h.push_and_pull(moved(6)).unwrap());
    let mut h = harness(&info);
    assert_ne!(trailing, bytes(&h.push_and_pull(moved(6)).unwrap()), "a trail grows again");
}

#[test]
fn a_change_of_size_is_followed() {
    let small = video_info(VideoFormat::I420, WIDTH, HEIGHT);
    let large = video_info(VideoFormat::Nv12, 2 * WIDTH, 2 * HEIGHT);
    let mut h = harness(&small);
    without_banner(&h);
    h.push_and_pull(frame_with(&small, 0, &result(), true)).unwrap();
    h.set_src_caps(large.to_caps().unwrap());
    // The result is still measured in pixels of the small frame, as behind a scaler.
    let mut scaled = frame(&large, 40);
    let size = FrameSize { width: WIDTH, height: HEIGHT };
    meta::write(scaled.get_mut().unwrap(), &result(), size, None, true, None).unwrap();
    let out = h.push_and_pull(scaled).unwrap();
    let (changed, _) = difference(&large, &frame(&large, 0), &out);
    assert_eq!(changed.iter().map(|(x, _)| *x).min(), Some(2 * AREA.x));
    assert_eq!(changed.iter().map(|(_, y)| *y).max(), Some(2 * (AREA.y + AREA.h) - 1));
}

#[test]
fn a_sink_that_composes_gets_the_drawing_beside_the_picture() {
    let info = video_info(VideoFormat::I420, WIDTH, HEIGHT);
    init();
    let mut h = gst_check::Harness::new("artoverlay");
    h.add_propose_allocation_meta(VideoOverlayCompositionMeta::meta_api(), None);
    h.set_src_caps(info.to_caps().unwrap());
    let out = h.push_and_pull(frame_with(&info, 0, &result(), true)).unwrap();
    assert_eq!(bytes(&out), bytes(&frame(&info, 0)));
    let meta = out.meta::<VideoOverlayCompositionMeta>().unwrap();
    assert_eq!(meta.overlay().n_rectangles(), 6, "four edges, the id, the banner");
    let caps = h.sinkpad().unwrap().current_caps().unwrap();
    assert!(caps.features(0).unwrap().contains("meta:GstVideoOverlayComposition"), "{caps}");
}

#[test]
fn a_sink_that_takes_anything_gets_plain_caps_and_a_blended_picture() {
    let info = video_info(VideoFormat::I420, WIDTH, HEIGHT);
    let mut h = harness(&info);
    let out = h.push_and_pull(frame_with(&info, 0, &result(), true)).unwrap();
    assert!(out.meta::<VideoOverlayCompositionMeta>().is_none());
    assert_eq!(h.sinkpad().unwrap().current_caps(), Some(info.to_caps().unwrap()));
}

#[test]
fn caps_without_a_framerate_are_drawn_on() {
    let info = video_info(VideoFormat::I420, WIDTH, HEIGHT);
    let mut caps = info.to_caps().unwrap();
    caps.make_mut().structure_mut(0).unwrap().remove_field("framerate");
    init();
    let mut h = gst_check::Harness::new("artoverlay");
    h.set_src_caps(caps.clone());
    let out = h.push_and_pull(frame_with(&info, 0, &result(), true)).unwrap();
    assert_ne!(bytes(&out), bytes(&frame(&info, 0)));
    assert_eq!(h.sinkpad().unwrap().current_caps(), Some(caps));
}

#[test]
fn a_format_that_nobody_can_draw_on_is_an_error_in_words() {
    init();
    let pipeline =
        gst::parse::launch("videotestsrc num-buffers=1 ! video/x-raw,format=UYVP ! artoverlay ! fakesink")
            .unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let error = pipeline
        .bus()
        .unwrap()
        .timed_pop_filtered(gst::ClockTime::from_seconds(30), &[gst::MessageType::Error])
        .unwrap();
    pipeline.set_state(gst::State::Null).unwrap();
    let gst::MessageView::Error(error) = error.view() else { unreachable!() };
    assert!(error.error().to_string().contains("put videoconvert before artoverlay"), "{error:?}");
}

#[test]
fn it_runs_behind_a_converter_and_before_an_encoder() {
    init();
    let pipeline = gst::parse::launch(
        "videotestsrc num-buffers=5 ! video/x-raw,width=64,height=48 ! videoconvert ! artoverlay ! videoconvert \
         ! jpegenc ! fakesink",
    )
    .unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let end = pipeline.bus().unwrap().timed_pop_filtered(
        gst::ClockTime::from_seconds(30),
        &[gst::MessageType::Eos, gst::MessageType::Error],
    );
    pipeline.set_state(gst::State::Null).unwrap();
    assert_eq!(end.map(|message| message.type_()), Some(gst::MessageType::Eos));
}

#[test]
fn declared_defaults_are_the_real_ones() {
    init();
    common::assert_defaults_are_real("artoverlay");
    common::assert_defaults_are_real("artmetaenc");
}
