//! Results and objects as `GstAnalyticsRelationMeta`, which GStreamer 1.24 and newer have.

#![allow(clippy::unwrap_used)] // Helpers of tests stand outside of test functions.

mod common;

use std::collections::BTreeSet;

use common::bench::{Bench, RED, model};
use common::{MS, classification, frame_with, init, video_info};
use gst::glib::Quark;
use gst_analytics::{
    AnalyticsAnyMtd, AnalyticsClassificationMtd, AnalyticsODMtd, AnalyticsRelationMeta, AnalyticsTrackingMtd,
    RelTypes, ffi, prelude::*,
};
use gst_video::{VideoFormat, VideoRegionOfInterestMeta};
use gstartclassify::classification::{Classification, PixelBox};
use gstartclassify::meta::{self, FrameSize, MarkedObject};

const SIZE: FrameSize = FrameSize { width: 64, height: 48 };
const LABEL: &str = "Back+25som+NoTwis+PIKE";

fn example() -> gst::Buffer {
    frame_with(&video_info(VideoFormat::I420, SIZE.width, SIZE.height), 1150, &classification(5), true)
}

/// Name of the type of each entry, in order.
fn entries(buffer: &gst::BufferRef) -> Vec<&'static str> {
    let Some(meta) = buffer.meta::<AnalyticsRelationMeta>() else { return Vec::new() };
    let entries = meta.iter::<AnalyticsAnyMtd>().map(|entry| {
        // SAFETY: the name of a type is a constant string.
        let name =
            unsafe { std::ffi::CStr::from_ptr(ffi::gst_analytics_mtd_type_get_name(entry.mtd_type())) };
        name.to_str().unwrap()
    });
    entries.collect()
}

/// From and to of each relation, and what it is.
fn relations(buffer: &gst::BufferRef) -> Vec<(u32, u32, RelTypes)> {
    let meta = buffer.meta::<AnalyticsRelationMeta>().unwrap();
    let ids: Vec<u32> = meta.iter::<AnalyticsAnyMtd>().map(|entry| entry.id()).collect();
    let pairs = ids.iter().flat_map(|&from| ids.iter().map(move |&to| (from, to)));
    let related = pairs.map(|(from, to)| (from, to, meta.relation(from, to)));
    related.filter(|(.., relation)| !relation.is_empty()).collect()
}

/// Labels and scores of an entry.
fn classes(buffer: &gst::BufferRef, entry: u32) -> Vec<(String, f32)> {
    let meta = buffer.meta::<AnalyticsRelationMeta>().unwrap();
    let classes = meta.mtd::<AnalyticsClassificationMtd>(entry).unwrap();
    classes.iterate().map(|(label, score)| (label.as_str().to_string(), score)).collect()
}

/// Label and rectangle of each box.
fn boxes(buffer: &gst::BufferRef) -> Vec<(String, [i32; 4])> {
    let Some(meta) = buffer.meta::<AnalyticsRelationMeta>() else { return Vec::new() };
    let boxes = meta.iter::<AnalyticsODMtd>().map(|entry| {
        let place = entry.location().unwrap();
        (entry.obj_type().unwrap().as_str().to_string(), [place.x, place.y, place.w, place.h])
    });
    boxes.collect()
}

/// What a detector and a tracker upstream write: a box of a person with a class, tracked by this number.
fn track(buffer: &mut gst::BufferRef, number: u64, area: [i32; 4]) -> u32 {
    let mut meta = AnalyticsRelationMeta::add(buffer);
    let [x, y, w, h] = area;
    let person = meta.add_od_mtd(Quark::from_str("person"), x, y, w, h, 0.75).unwrap().id();
    let class = meta.add_one_cls_mtd(0.75, Quark::from_str("athlete")).unwrap().id();
    let tracking = meta.add_tracking_mtd(number, gst::ClockTime::SECOND).unwrap().id();
    meta.set_relation(RelTypes::RELATE_TO, person, tracking).unwrap();
    meta.set_relation(RelTypes::RELATE_TO, person, class).unwrap();
    person
}

fn mark(id: i32, area: (u32, u32, u32, u32), entry: Option<u32>) -> MarkedObject {
    let (x, y, w, h) = area;
    MarkedObject { id, area: PixelBox { x, y, w, h }, entry }
}

/// The cells of each row of the document's table with that head.
fn table(head: &str) -> Vec<Vec<String>> {
    let lines = include_str!("../docs/metadata.md").lines();
    let rows = lines.skip_while(|line| *line != head).skip(2).take_while(|line| line.starts_with("| "));
    rows.map(|row| row.split('|').map(|cell| cell.trim().replace('`', "")).collect()).collect()
}

#[test]
fn a_result_has_its_classes_and_a_box_with_track_and_classes_for_each_region() {
    let buffer = example();
    // The second region has no size.
    assert_eq!(entries(&buffer), ["classification", "object-detection", "object-tracking", "classification"]);
    assert_eq!(boxes(&buffer), [(LABEL.to_owned(), [16, 10, 20, 24])]);
    let top = [(LABEL.to_owned(), 0.93), ("Inward+15som".to_owned(), 0.05)];
    assert_eq!((classes(&buffer, 0), classes(&buffer, 3)), (top.to_vec(), top.to_vec()));
    let meta = buffer.meta::<AnalyticsRelationMeta>().unwrap();
    let place = meta.mtd::<AnalyticsODMtd>(1).unwrap().location().unwrap();
    assert_eq!(place.loc_conf_lvl, 0.93);
    let (number, first, last, lost) = meta.mtd::<AnalyticsTrackingMtd>(2).unwrap().info();
    assert_eq!((number, first.nseconds(), last.nseconds(), lost), (3, 1000 * MS, 1150 * MS, false));
    assert_eq!(
        relations(&buffer),
        [
            (1, 2, RelTypes::RELATE_TO),
            (1, 3, RelTypes::CONTAIN | RelTypes::RELATE_TO),
            (3, 1, RelTypes::IS_PART_OF)
        ]
    );
}

#[test]
fn the_documented_relations_are_the_written_ones() {
    let word = |relation: RelTypes| {
        let names = [
            (RelTypes::CONTAIN, "contain"),
            (RelTypes::RELATE_TO, "relate-to"),
            (RelTypes::IS_PART_OF, "is-part-of"),
        ];
        let names: Vec<_> =
            names.iter().filter(|(kind, _)| relation.contains(*kind)).map(|(_, n)| *n).collect();
        names.join(", ")
    };
    let buffer = example();
    let names = entries(&buffer);
    let written: BTreeSet<_> = relations(&buffer)
        .into_iter()
        .map(|(from, to, relation)| {
            [names[from as usize], names[to as usize], &word(relation)].map(str::to_owned)
        })
        .collect();
    let documented: BTreeSet<_> = table("| From | To | Relation |")
        .into_iter()
        .map(|cells| [cells[1].clone(), cells[2].clone(), cells[3].clone()])
        .collect();
    assert_eq!(documented, written);
}

#[test]
fn what_upstream_wrote_stays_as_it_is() {
    init();
    let mut buffer = gst::Buffer::new();
    let writable = buffer.get_mut().unwrap();
    for number in 0..3 {
        track(writable, number, [4, 5, 6, 7]);
    }
    let (upstream, related) = (entries(writable), relations(writable));
    meta::write(writable, &classification(5), SIZE, None, true, None).unwrap();
    assert_eq!(entries(&buffer)[..9], upstream);
    let (before, own): (Vec<_>, Vec<_>) = relations(&buffer).into_iter().partition(|(from, ..)| *from < 9);
    assert_eq!(before, related);
    assert!(own.len() == 3 && own.iter().all(|(from, to, _)| *from > 9 && *to > 9), "{own:?}");
    assert_eq!(boxes(&buffer)[..3], vec![("person".to_owned(), [4, 5, 6, 7]); 3]);
}

#[test]
fn a_crowd_of_regions_is_bounded() {
    init();
    let few = classification(5);
    let crowd = Classification { tracklets: (0..200).map(|_| few.tracklets[0].clone()).collect(), ..few };
    let mut buffer = gst::Buffer::new();
    for _ in 0..3 {
        meta::write(buffer.get_mut().unwrap(), &crowd, SIZE, None, false, None).unwrap();
    }
    let found = entries(&buffer);
    // The classes of the three results, and as many whole regions as there is room for.
    assert_eq!(found.len(), 1 + 3 * 85 + 2);
    assert_eq!(boxes(&buffer).len(), 85);
    assert!(include_str!("../docs/metadata.md").contains("256 entries"));
}

#[test]
fn tracked_boxes_are_objects_and_our_regions_are_none() {
    let mut buffer = example();
    let writable = buffer.get_mut().unwrap();
    let person = track(writable, 3, [-4, 5, 14, 7]);
    {
        let mut meta = writable.meta_mut::<AnalyticsRelationMeta>().unwrap();
        meta.add_od_mtd(Quark::from_str("untracked"), 1, 2, 3, 4, 1.0).unwrap();
    }
    assert_eq!(meta::objects(writable), [mark(3, (0, 5, 10, 7), Some(person))]);

    VideoRegionOfInterestMeta::add(writable, "person", (0, 5, 10, 7)).set_id(40);
    VideoRegionOfInterestMeta::add(writable, "person", (9, 9, 9, 9)).set_id(41);
    let expected = [mark(3, (0, 5, 10, 7), Some(person)), mark(41, (9, 9, 9, 9), None)];
    assert_eq!(meta::objects(writable), expected, "a mark of the same rectangle is of the same object");
}

#[test]
fn who_is_lost_is_no_object_and_a_tracker_without_times_is_read() {
    init();
    let mut buffer = gst::Buffer::new();
    let writable = buffer.get_mut().unwrap();
    track(writable, 1, [0, 0, 9, 9]);
    let mut meta = writable.meta_mut::<AnalyticsRelationMeta>().unwrap();
    meta.mtd_mut::<AnalyticsTrackingMtd>(2).unwrap().set_lost().unwrap();
    let timeless = {
        let mut meta = AnalyticsRelationMeta::add(writable);
        let entry = meta.add_od_mtd(Quark::from_str("person"), 1, 2, 3, 4, 1.0).unwrap().id();
        let mut tracking = ffi::GstAnalyticsTrackingMtd { id: 0, meta: std::ptr::null_mut() };
        // SAFETY: the meta lives; the safe counterpart takes no missing time.
        unsafe {
            let none = gst::ffi::GST_CLOCK_TIME_NONE;
            ffi::gst_analytics_relation_meta_add_tracking_mtd(
                meta.as_mut_ptr(),
                1 << 40 | 8,
                none,
                &mut tracking,
            );
        }
        meta.set_relation(RelTypes::RELATE_TO, entry, tracking.id).unwrap();
        entry
    };
    assert_eq!(meta::objects(writable), [mark(8, (1, 2, 3, 4), Some(timeless))]);
}

#[test]
fn the_result_of_an_object_lies_on_its_own_entry() {
    init();
    let mut buffer = gst::Buffer::new();
    let writable = buffer.get_mut().unwrap();
    let person = track(writable, 9, [8, 4, 20, 40]);
    VideoRegionOfInterestMeta::add(writable, "diver", (30, 4, 20, 40)).set_id(10);
    let objects = meta::objects(writable);
    assert_eq!(objects.len(), 2);
    for object in objects {
        let result = Classification { object: Some(object.id), tracklets: Vec::new(), ..classification(5) };
        meta::write(writable, &result, SIZE, None, true, Some(object)).unwrap();
    }
    // The tracked one has got classes, the other one a box with classes.
    assert_eq!(entries(&buffer)[3..], ["classification", "object-detection", "classification"]);
    let whole = RelTypes::CONTAIN | RelTypes::RELATE_TO;
    assert_eq!(
        relations(&buffer)[2..],
        [(person, 3, whole), (3, person, RelTypes::IS_PART_OF), (4, 5, whole), (5, 4, RelTypes::IS_PART_OF)]
    );
    assert_eq!(boxes(&buffer)[1], ("diver".to_owned(), [30, 4, 20, 40]));
    assert_eq!(classes(&buffer, 3)[0], (LABEL.to_owned(), 0.93));
}

#[test]
fn the_new_entry_of_an_object_is_the_part_in_the_picture() {
    init();
    for (mark, part) in [((50, 40, 20, 40), Some([50, 40, 14, 8])), ((70, 4, 20, 40), None)] {
        let mut buffer = gst::Buffer::new();
        let writable = buffer.get_mut().unwrap();
        VideoRegionOfInterestMeta::add(writable, "diver", mark).set_id(10);
        let object = meta::objects(writable)[0];
        let result = Classification { object: Some(10), tracklets: Vec::new(), ..classification(5) };
        meta::write(writable, &result, SIZE, None, true, Some(object)).unwrap();
        let expected: Vec<_> = part.map(|area| ("diver".to_owned(), area)).into_iter().collect();
        assert_eq!(boxes(&buffer), expected);
        assert_eq!(entries(&buffer).len(), 2 * expected.len());
    }
}

#[test]
fn tracked_objects_have_windows_of_their_own() {
    let mut bench = Bench::with_size(&format!("{} roi=meta", model("model.toml")), (60, 20));
    let bytes: Vec<u8> = RED.iter().copied().cycle().take(bench.info().size()).collect();
    for _ in 0..40 {
        let mut buffer = gst::Buffer::from_slice(bytes.clone());
        let writable = buffer.get_mut().unwrap();
        writable.set_pts(gst::ClockTime::from_nseconds(bench.time_of(bench.frame)));
        track(writable, 7, [0, 0, 20, 20]);
        track(writable, 8, [40, 0, 20, 20]);
        bench.frame += 1;
        bench.harness.push(buffer).unwrap();
    }
    bench.harness.push_event(gst::event::Eos::new());
    while bench.harness.pull_event().unwrap().type_() != gst::EventType::Eos {}
    let frames: Vec<_> = std::iter::from_fn(|| bench.harness.try_pull()).collect();
    assert_eq!(frames.len(), 40);
    for buffer in &frames {
        let results = meta::read_all(buffer);
        assert!(results.iter().map(|result| result.object.unwrap().id).eq([7, 8]), "{results:?}");
        let meta = buffer.meta::<AnalyticsRelationMeta>().unwrap();
        for person in [0, 3] {
            let labels: Vec<_> = meta
                .iter_direct_related::<AnalyticsClassificationMtd>(person, RelTypes::RELATE_TO)
                .map(|classes| classes.quark(0).as_str().to_string())
                .collect();
            assert_eq!(labels, ["athlete", "red"]);
        }
    }
}

#[test]
fn elements_treat_it_as_documented() {
    let mut found = BTreeSet::new();
    for (element, caps) in [
        ("queue", "ANY"),
        ("videoconvert", "video/x-raw,format=BGRx"),
        ("videobalance", "ANY"),
        ("jpegenc", "ANY"),
        ("videoscale", "video/x-raw,width=128,height=96"),
        ("videomedian", "ANY"),
    ] {
        let mut harness = gst_check::Harness::new_parse(&format!("{element} ! capsfilter caps={caps}"));
        let buffer = example();
        harness.set_src_caps(video_info(VideoFormat::I420, SIZE.width, SIZE.height).to_caps().unwrap());
        harness.push(buffer).unwrap();
        harness.push_event(gst::event::Eos::new());
        let areas: Vec<_> = boxes(&harness.pull().unwrap()).into_iter().map(|(_, area)| area).collect();
        let told = match areas[..] {
            [] => "lost",
            [[16, 10, 20, 24]] => "kept",
            [[32, 20, 40, 48]] => "scaled",
            _ => panic!("{element}: {areas:?}"),
        };
        found.insert((element.to_owned(), told.to_owned()));
    }
    let documented: BTreeSet<_> = table("| Element | Entries |")
        .into_iter()
        .map(|cells| (cells[1].clone(), cells[2].clone()))
        .collect();
    assert_eq!(documented, found);
}
