//! Metadata on buffers: written, read back, kept by the elements it passes, and documented.

#![allow(clippy::unwrap_used)] // The exemption for tests does not reach their helpers.

mod common;

use std::collections::BTreeMap;

use common::{MS, action, classification, dated_action, dated_classification, frame_with, init, video_info};
use gst::prelude::*;
use gst_video::{VideoFormat, VideoRegionOfInterestMeta};
use gstartclassify::action::{ActionEvent, ActionState};
use gstartclassify::classification::{Classification, PixelBox};
use gstartclassify::gate::Clip;
use gstartclassify::meta::{self, ClipState, FrameObject, FrameSize, fields};
use gstartclassify::timeline::AbsoluteTime;

const SIZE: FrameSize = FrameSize { width: 64, height: 48 };

fn example(first: bool) -> gst::Buffer {
    init();
    frame_with(&video_info(VideoFormat::I420, SIZE.width, SIZE.height), 1150, &dated_classification(5), first)
}

/// A frame with an object that has a result.
fn example_of_an_object() -> gst::Buffer {
    init();
    let mut buffer = gst::Buffer::new();
    let writable = buffer.get_mut().unwrap();
    gst_video::VideoRegionOfInterestMeta::add(writable, "person", (8, 4, 20, 40)).set_id(9);
    let object = meta::objects(writable)[0];
    let classification = Classification { object: Some(9), ..dated_classification(5) };
    meta::write(writable, &classification, SIZE, None, true, Some(object)).unwrap();
    buffer
}

#[test]
fn the_result_of_an_object_lies_on_its_own_region_too() {
    let buffer = example_of_an_object();
    let area = Some(PixelBox { x: 8, y: 4, w: 20, h: 40 });
    let read = meta::read_all(&buffer);
    assert_eq!((read.len(), read[0].object), (1, Some(FrameObject { id: 9, area })));
    let scaled = read[0].clone().scaled_to(FrameSize { width: 32, height: 24 });
    assert_eq!(scaled.object.unwrap().area, Some(PixelBox { x: 4, y: 2, w: 10, h: 20 }));
    assert_eq!(meta::objects(&buffer).len(), 1, "tracklets are no objects, and an object stays one");
    let roi = buffer.meta::<VideoRegionOfInterestMeta>().unwrap();
    let param = roi.param("artclassify").unwrap();
    assert_eq!(
        (param.get::<i32>("object"), param.get::<&str>("label")),
        (Ok(9), Ok("Back+25som+NoTwis+PIKE"))
    );
}

#[test]
fn the_area_of_an_object_is_the_part_in_the_picture() {
    init();
    for (mark, part) in [
        ((50, 40, 20, 40), (50, 40, 14, 8)),
        ((70, 4, 20, 40), (64, 4, 0, 40)),
        ((u32::MAX - 5, 60, 20, 20), (64, 48, 0, 0)),
    ] {
        let mut buffer = gst::Buffer::new();
        let writable = buffer.get_mut().unwrap();
        VideoRegionOfInterestMeta::add(writable, "person", mark).set_id(9);
        let object = meta::objects(writable)[0];
        let classification = Classification { object: Some(9), ..classification(5) };
        meta::write(writable, &classification, SIZE, None, true, Some(object)).unwrap();
        let (x, y, w, h) = part;
        let area = Some(PixelBox { x, y, w, h });
        assert_eq!(meta::read(&buffer).unwrap().object, Some(FrameObject { id: 9, area }), "{mark:?}");
        let roi = buffer.meta::<VideoRegionOfInterestMeta>().unwrap();
        assert_eq!(roi.rect(), mark, "upstream's mark stays as it is");
        assert_eq!(roi.param("artclassify").unwrap().get::<i32>("object"), Ok(9), "{mark:?}");
    }
}

#[test]
fn an_empty_region_is_no_mark_of_its_object() {
    init();
    let mut buffer = gst::Buffer::new();
    let writable = buffer.get_mut().unwrap();
    VideoRegionOfInterestMeta::add(writable, "person", (0, 0, 0, 0)).set_id(9);
    VideoRegionOfInterestMeta::add(writable, "person", (8, 4, 20, 40)).set_id(9);
    let objects = meta::objects(writable);
    assert_eq!(objects.iter().map(|object| object.area.w).collect::<Vec<_>>(), [20]);
    let classification = Classification { object: Some(9), ..dated_classification(5) };
    meta::write(writable, &classification, SIZE, None, true, Some(objects[0])).unwrap();
    let mut regions = buffer.iter_meta::<VideoRegionOfInterestMeta>();
    let written = regions.find(|roi| roi.param("artclassify").is_some());
    assert_eq!(written.map(|roi| roi.rect()), Some((8, 4, 20, 40)));
}

#[test]
fn the_first_frame_of_a_window_gives_back_everything() {
    let written = dated_classification(5);
    let read = meta::read(&example(true)).unwrap();
    assert_eq!(read.start_absolute, written.start_absolute);
    assert_eq!((&*read.model, read.window, read.start, read.end), ("test-model", 5, 1000 * MS, 1400 * MS));
    assert_eq!(read.age, Some(-250 * MS as i64));
    assert_eq!((&read.class, read.background, read.first, read.size), (written.best(), false, true, SIZE));
    assert_eq!((read.top, read.samples), (written.top, written.samples));
    assert_eq!(read.tracklets.len(), 2);
    for (tracklet, written) in read.tracklets.iter().zip(&written.tracklets) {
        assert_eq!(
            (tracklet.id, &tracklet.query, &tracklet.boxes),
            (written.id, &written.query, &written.boxes)
        );
    }
    assert_eq!(read.tracklets[0].area, PixelBox { x: 16, y: 10, w: 20, h: 24 }, "between the samples");
    assert!((read.tracklets[0].relevance - 0.25).abs() < 1e-6);
}

#[test]
fn later_frames_of_a_window_have_their_own_box_only() {
    let read = meta::read(&example(false)).unwrap();
    assert!(!read.first && read.samples.is_empty());
    assert_eq!(read.start_absolute, AbsoluteTime::default());
    assert!(read.tracklets.iter().all(|tracklet| tracklet.boxes.is_empty()));
    assert_eq!(read.tracklets[0].area.x, 16);
}

#[test]
fn a_frame_without_pts_shows_the_end_of_the_window() {
    init();
    let mut buffer = gst::Buffer::new();
    meta::write(buffer.get_mut().unwrap(), &classification(0), SIZE, None, false, None).unwrap();
    let read = meta::read(&buffer).unwrap();
    assert_eq!((read.age, read.tracklets[0].area.x), (None, 28));
}

#[test]
fn frames_without_the_meta_and_damaged_metas_read_as_nothing() {
    init();
    let mut buffer = gst::Buffer::new();
    assert_eq!(meta::read(&buffer), None);
    gst::meta::CustomMeta::add(buffer.get_mut().unwrap(), fields::ACTION_META).unwrap();
    assert_eq!(meta::read(&buffer), None);
}

#[test]
fn regions_in_the_picture_are_regions_of_interest() {
    let buffer = example(false);
    let rois: Vec<_> = buffer.iter_meta::<VideoRegionOfInterestMeta>().collect();
    assert_eq!(rois.len(), 1, "the region without size is left out");
    assert_eq!((rois[0].roi_type(), rois[0].id()), ("Back+25som+NoTwis+PIKE", 3));
    assert_eq!(rois[0].rect(), (16, 10, 20, 24));
    let param = rois[0].param("artclassify").unwrap();
    assert_eq!(param.get::<u64>("window"), Ok(5));
}

#[test]
fn boxes_follow_a_change_of_size() {
    let read = meta::read(&example(true)).unwrap().scaled_to(FrameSize { width: 128, height: 24 });
    assert_eq!(read.tracklets[0].area, PixelBox { x: 32, y: 5, w: 40, h: 12 });
    assert_eq!(read.tracklets[0].boxes[0].area, PixelBox { x: 8, y: 5, w: 40, h: 12 });
}

#[test]
fn a_copy_of_the_buffer_keeps_it() {
    let buffer = example(true);
    let expected = meta::read(&buffer);
    assert!(expected.is_some());
    assert_eq!(meta::read(&buffer.copy()), expected);
    assert_eq!(meta::read(&buffer.copy_deep().unwrap()), expected);
    let part = buffer.copy_region(gst::BufferCopyFlags::all(), ..16).unwrap();
    assert_eq!(meta::read(&part), expected);
}

/// What comes out of `elements` when the example goes in.
fn through(elements: &str) -> gst::Buffer {
    let mut harness = gst_check::Harness::new_parse(elements);
    let info = video_info(VideoFormat::I420, SIZE.width, SIZE.height);
    harness.set_src_caps(info.to_caps().unwrap());
    harness.push(example(true)).unwrap();
    harness.push_event(gst::event::Eos::new());
    harness.pull().unwrap()
}

#[test]
fn elements_keep_it_and_treat_regions_as_documented() {
    let expected = meta::read(&example(true));
    let area = (16, 10, 20, 24);
    for (elements, roi) in [
        ("queue", Some(area)),
        ("identity", Some(area)),
        ("videoconvert ! capsfilter caps=video/x-raw,format=BGRx", Some(area)),
        ("videoscale ! capsfilter caps=video/x-raw,width=128,height=96", Some((32, 20, 40, 48))),
        ("videobalance saturation=0.5", Some(area)),
        ("videomedian", None),
    ] {
        let out = through(elements);
        assert_eq!(meta::read(&out), expected, "{elements}");
        assert_eq!(out.meta::<VideoRegionOfInterestMeta>().map(|roi| roi.rect()), roi, "{elements}");
    }
    assert_eq!(meta::read(&through("jpegenc")), expected, "encoded");
}

#[test]
fn both_branches_of_a_tee_have_it() {
    init();
    let pipeline = gst::parse::launch(
        "appsrc name=src format=time ! tee name=t ! queue ! appsink name=a sync=false \
         t. ! queue ! videoconvert ! video/x-raw,format=NV12 ! appsink name=b sync=false",
    )
    .unwrap()
    .downcast::<gst::Pipeline>()
    .unwrap();
    let src = pipeline.by_name("src").unwrap().downcast::<gst_app::AppSrc>().unwrap();
    src.set_caps(Some(&video_info(VideoFormat::I420, SIZE.width, SIZE.height).to_caps().unwrap()));
    pipeline.set_state(gst::State::Playing).unwrap();
    src.push_buffer(example(true)).unwrap();
    src.end_of_stream().unwrap();
    for name in ["a", "b"] {
        let sink = pipeline.by_name(name).unwrap().downcast::<gst_app::AppSink>().unwrap();
        let sample = sink.pull_sample().unwrap();
        assert_eq!(meta::read(sample.buffer().unwrap()), meta::read(&example(true)), "{name}");
    }
    pipeline.set_state(gst::State::Null).unwrap();
}

#[test]
fn action_events_read_back() {
    init();
    for state in [ActionState::Start, ActionState::Update, ActionState::Stop] {
        for event in [action(state), dated_action(state)] {
            let structure = meta::action_structure(&event, "test-model");
            let record = meta::read_action(&structure).unwrap();
            assert_eq!((record.event, &*record.model), (event, "test-model"));
        }
    }
    assert_eq!(meta::read_action(&gst::Structure::new_empty("artclassify-action")), None);
    assert_eq!(meta::read_action(&gst::Structure::new_empty("other")), None);
}

#[test]
fn what_is_not_dated_has_no_such_field() {
    init();
    let window = meta::window_structure(&classification(5), SIZE);
    let action = meta::action_structure(&action(ActionState::Stop), "test-model");
    for structure in [window, action] {
        let dates = structure.fields().filter(|name| name.ends_with("-utc") || name.ends_with("-timecode"));
        assert_eq!(dates.count(), 0, "{structure}");
    }
}

#[test]
fn a_window_without_a_frame_travels_with_the_fields_of_a_first_frame() {
    init();
    let event = meta::window_structure(&dated_classification(5), SIZE);
    let buffer = example(true);
    let custom = gst::meta::CustomMeta::from_buffer(&buffer, fields::ACTION_META).unwrap();
    let mut expected = fields_of(custom.structure());
    expected.remove("age");
    assert_eq!(fields_of(&event), expected);

    let read = meta::read_window(&event).unwrap();
    assert_eq!((read.window, read.age, read.first), (5, None, true));
    assert_eq!(read.tracklets[0].area.x, 28, "the box at the end of the window");
    assert_eq!(meta::read_window(custom.structure()), None);
}

/// Field names and types of a structure.
fn fields_of(structure: &gst::StructureRef) -> BTreeMap<String, String> {
    structure.iter().map(|(name, value)| (name.to_string(), value.type_().name().to_owned())).collect()
}

/// The structure that stands first in an array field.
fn entry(structure: &gst::StructureRef, field: &str) -> gst::Structure {
    structure.get::<gst::Array>(field).unwrap()[0].get().unwrap()
}

#[test]
fn the_documented_fields_are_the_written_ones() {
    let buffer = example(true);
    let custom = gst::meta::CustomMeta::from_buffer(&buffer, fields::ACTION_META).unwrap();
    let frame = custom.structure();
    let tracklet = entry(frame, "tracklets");
    let roi = buffer.meta::<VideoRegionOfInterestMeta>().unwrap();
    let own = example_of_an_object();
    let own_frame = gst::meta::CustomMeta::from_buffer(&own, fields::ACTION_META).unwrap();
    let own_roi = own.meta::<VideoRegionOfInterestMeta>().unwrap();
    let own_action = ActionEvent { object: Some(9), ..action(ActionState::Stop) };
    let clip = Clip { number: 0, start: 0, decode: 0, end: 0, actions: Vec::new() };
    let written: Vec<gst::Structure> = vec![
        frame.to_owned(),
        entry(frame, "top"),
        tracklet.clone(),
        entry(&tracklet, "boxes"),
        roi.param("artclassify").unwrap().to_owned(),
        meta::action_structure(&dated_action(ActionState::Stop), "test-model"),
        meta::model_structure("test-model", "models/test"),
        meta::clip_structure(ClipState::Stop, &clip),
    ];
    let mut written: BTreeMap<_, _> =
        written.iter().map(|structure| (structure.name().to_string(), fields_of(structure))).collect();
    for structure in [
        own_frame.structure(),
        own_roi.param("artclassify").unwrap(),
        &meta::action_structure(&own_action, "test-model"),
    ] {
        written.get_mut(structure.name().as_str()).unwrap().extend(fields_of(structure));
    }
    let stats =
        |element| gst::ElementFactory::make(element).build().unwrap().property::<gst::Structure>("stats");
    written.insert("stats".to_owned(), fields_of(&stats("artclassify")));
    written.insert("artgate-stats".to_owned(), fields_of(&stats("artgate")));
    if cfg!(feature = "mqtt") {
        written.insert("artpublish-stats".to_owned(), fields_of(&stats("artpublish")));
    }

    let mut documented: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut section = String::new();
    for line in include_str!("../docs/metadata.md").lines() {
        if let Some(title) = line.trim_start_matches('#').strip_prefix(" `") {
            section = title.trim_end_matches('`').to_owned();
        } else if line.starts_with('#') {
            section.clear();
        } else if let Some(row) = line.strip_prefix("| `")
            && !section.is_empty()
        {
            let cells: Vec<_> = row.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
            let mut names = cells[0].split("`, `");
            let first = names.next().unwrap();
            // A row for several fields has the first in full and of the others what differs: `a-p50`, `-p90`.
            let stem = first.rsplit_once('-').map_or(first, |(stem, _)| stem);
            let others = names.map(|name| format!("{stem}{name}"));
            let fields = documented.entry(section.clone()).or_default();
            fields.extend(others.chain([first.to_owned()]).map(|name| (name, cells[1].to_owned())));
        }
    }
    if !cfg!(feature = "mqtt") {
        documented.remove("artpublish-stats");
    }
    assert_eq!(documented, written);
}
