//! Objects that upstream marks have windows of their own, with the tiny models of `tests/fixtures`.

#![allow(clippy::unwrap_used)] // Helpers of tests stand outside of test functions.

mod common;

use std::collections::BTreeMap;

use common::bench::{BLUE, Bench, GREEN, RED, SECOND, assert_all_windows_are_counted, model};
use gst::prelude::*;
use gst_video::VideoRegionOfInterestMeta;
use gstartclassify::{
    action::ActionState,
    classification::PixelBox,
    meta::{self, FrameObject, FrameResult},
};

/// Frames of 60 x 20 pixels: three squares side by side.
const SQUARE: u32 = 20;

/// A square of the frame: its colour, and the object that is marked there.
#[derive(Clone, Copy)]
struct Square([u8; 3], Option<i32>);

fn bench(properties: &str) -> Bench {
    Bench::with_size(&format!("{} roi=meta {properties}", model("model.toml")), (3 * SQUARE, SQUARE))
}

fn frame(bench: &Bench, squares: &[Square; 3]) -> gst::Buffer {
    let stride = bench.info().stride()[0] as usize;
    let mut bytes = vec![0; bench.info().size()];
    for row in bytes.chunks_mut(stride) {
        for (x, pixel) in row[..3 * 3 * SQUARE as usize].chunks_mut(3).enumerate() {
            pixel.copy_from_slice(&squares[x / SQUARE as usize].0);
        }
    }
    let mut buffer = gst::Buffer::from_mut_slice(bytes);
    let writable = buffer.get_mut().unwrap();
    writable.set_pts(gst::ClockTime::from_nseconds(bench.time_of(bench.frame)));
    for (at, Square(_, object)) in (0..).zip(squares) {
        if let Some(id) = *object {
            let area = (at * SQUARE, 0, SQUARE, SQUARE);
            VideoRegionOfInterestMeta::add(writable, "person", area).set_id(id);
        }
    }
    buffer
}

fn push(bench: &mut Bench, frames: u32, squares: [Square; 3]) {
    for _ in 0..frames {
        let buffer = frame(bench, &squares);
        bench.frame += 1;
        assert_eq!(bench.harness.push(buffer), Ok(gst::FlowSuccess::Ok));
    }
}

/// What leaves until the end of the stream: the results on each frame, and the action events.
fn finish(mut bench: Bench) -> (Vec<Vec<FrameResult>>, Vec<meta::ActionRecord>, gst::Structure) {
    bench.harness.push_event(gst::event::Eos::new());
    let mut events = Vec::new();
    loop {
        let event = bench.harness.pull_event().unwrap();
        if let gst::EventView::Eos(_) = event.view() {
            break;
        }
        events.extend(event.structure().and_then(meta::read_action));
    }
    let frames = std::iter::from_fn(|| bench.harness.try_pull()).map(|buffer| meta::read_all(&buffer));
    let frames = frames.collect();
    (frames, events, bench.stats())
}

fn object(result: &FrameResult) -> i32 {
    result.object.unwrap().id
}

#[test]
fn each_object_has_its_own_results_on_its_own_region() {
    let mut bench = bench("");
    push(&mut bench, 60, [Square(RED, Some(7)), Square(GREEN, Some(3)), Square(BLUE, None)]);
    bench.harness.push_event(gst::event::Eos::new());
    while bench.harness.pull_event().unwrap().type_() != gst::EventType::Eos {}
    let frames: Vec<gst::Buffer> = std::iter::from_fn(|| bench.harness.try_pull()).collect();
    assert_eq!(frames.len(), 60);
    for buffer in &frames {
        let results: BTreeMap<i32, FrameResult> =
            meta::read_all(buffer).into_iter().map(|result| (object(&result), result)).collect();
        assert_eq!(results.keys().copied().collect::<Vec<_>>(), [3, 7], "{:?}", buffer.pts());
        for (id, label, x) in [(7, "red", 0), (3, "green", SQUARE)] {
            let result = &results[&id];
            let area = Some(PixelBox { x, y: 0, w: SQUARE, h: SQUARE });
            assert_eq!((&*result.class.label, result.object), (label, Some(FrameObject { id, area })));
            // The model's box is the middle of its input.
            let tracklet = &result.tracklets[0];
            assert!(tracklet.area.x >= x && tracklet.area.x + tracklet.area.w <= x + SQUARE, "{tracklet:?}");
            let roi = buffer
                .iter_meta::<VideoRegionOfInterestMeta>()
                .find(|roi| roi.roi_type() == "person" && roi.id() == id);
            let param = roi.as_ref().and_then(|roi| roi.param("artclassify")).unwrap();
            assert_eq!((param.get::<&str>("label"), param.get::<i32>("object")), (Ok(label), Ok(id)));
        }
    }
    let stats = bench.stats();
    assert_eq!(stats.get::<u64>("objects"), Ok(2));
    // 20 samples: windows 0 to 8.
    assert_eq!(stats.get::<u64>("results"), Ok(18), "{stats}");
    assert_all_windows_are_counted(&stats);
}

#[test]
fn objects_come_and_go_and_their_actions_stop() {
    let mut bench = bench("smoothing=0");
    let (red, green) = (Square(RED, Some(1)), Square(GREEN, Some(2)));
    let nobody = Square(BLUE, None);
    push(&mut bench, 60, [red, nobody, nobody]);
    push(&mut bench, 60, [red, green, nobody]);
    push(&mut bench, 60, [nobody, green, nobody]);
    push(&mut bench, 60, [nobody, nobody, nobody]);
    let (frames, actions, stats) = finish(bench);
    assert_eq!(frames.len(), 240);
    for (at, results) in frames.iter().enumerate() {
        let found: Vec<i32> = results.iter().map(object).collect();
        let marked: &[i32] = match at / 60 {
            0 => &[1],
            1 => &[1, 2],
            2 => &[2],
            _ => &[],
        };
        assert!(found.iter().all(|id| marked.contains(id)), "frame {at}: {found:?}");
        // A window speaks for the frames of an object that was there for half of it.
        if at % 60 > 9 {
            assert_eq!(found, marked, "frame {at}");
        }
    }
    let stops: Vec<_> = actions.iter().filter(|record| record.event.state == ActionState::Stop).collect();
    let found: Vec<(Option<i32>, &str)> =
        stops.iter().map(|record| (record.event.object, &*record.event.class.label)).collect();
    assert_eq!(found, [(Some(1), "red"), (Some(2), "green")]);
    for (stop, (start, end)) in stops.iter().zip([(0, 4), (2, 6)]) {
        let about = |found: u64, expected: u64| found.abs_diff(expected * SECOND) < SECOND / 2;
        let event = &stop.event;
        assert!(
            about(event.start.moment.pts, start) && about(event.end.unwrap().moment.pts, end),
            "{event:?}"
        );
    }
    assert!(stops[0].event.action != stops[1].event.action);
    assert_all_windows_are_counted(&stats);
}

#[test]
fn no_more_objects_are_followed_than_there_is_room_for() {
    let mut bench = bench("max-objects=2");
    let three = [Square(RED, Some(1)), Square(GREEN, Some(2)), Square(RED, Some(3))];
    push(&mut bench, 30, three);
    push(&mut bench, 6, [Square(RED, None), Square(GREEN, Some(2)), Square(RED, None)]);
    push(&mut bench, 30, [Square(RED, None), three[1], three[2]]);
    let (frames, _, stats) = finish(bench);
    assert!(frames[..30].iter().all(|results| results.iter().all(|result| object(result) != 3)));
    assert!(frames[60..].iter().all(|results| results.iter().map(object).eq([2, 3])));
    assert_eq!(stats.get::<u64>("refused"), Ok(1), "{stats}");
    assert_eq!((stats.get::<u64>("objects"), stats.get::<u64>("evicted")), (Ok(3), Ok(1)), "{stats}");
    assert_all_windows_are_counted(&stats);
}

#[test]
fn an_object_that_made_room_and_comes_back_is_followed_anew() {
    for alignment in ["delay", "hold"] {
        let mut bench = bench(&format!("max-objects=1 alignment={alignment}"));
        let (one, two) = (Square(RED, Some(1)), Square(GREEN, Some(2)));
        let nobody = Square(BLUE, None);
        push(&mut bench, 30, [one, nobody, nobody]);
        push(&mut bench, 3, [nobody, two, nobody]);
        push(&mut bench, 30, [one, nobody, nobody]);
        let (frames, _, stats) = finish(bench);
        let count = |name| stats.get::<u64>(name).unwrap();
        assert_eq!((count("objects"), count("evicted")), (3, 2), "{stats}");
        let back = &frames[45..];
        assert!(back.iter().all(|results| results.iter().map(object).eq([1])), "{alignment}: {back:?}");
        assert_all_windows_are_counted(&stats);
    }
}

#[test]
fn a_tracker_of_dl_streamer_says_which_object_it_is() {
    let mut bench = bench("");
    for _ in 0..30 {
        let mut buffer = frame(&bench, &[Square(RED, Some(0)), Square(GREEN, Some(0)), Square(BLUE, None)]);
        let rois = buffer.get_mut().unwrap().iter_meta_mut::<VideoRegionOfInterestMeta>();
        for (mut roi, id) in rois.zip([11, 12]) {
            roi.add_param(gst::Structure::builder("object_id").field("id", id).build());
        }
        bench.frame += 1;
        bench.harness.push(buffer).unwrap();
    }
    let (frames, ..) = finish(bench);
    assert!(frames.iter().all(|results| results.iter().map(object).eq([11, 12])));
}

#[test]
fn a_flush_and_another_model_begin_with_nobody() {
    let mut bench = bench("alignment=hold");
    let squares = [Square(RED, Some(1)), Square(GREEN, Some(2)), Square(BLUE, None)];
    push(&mut bench, 30, squares);
    bench.harness.push_event(gst::event::FlushStart::new());
    bench.harness.push_event(gst::event::FlushStop::new(true));
    bench.harness.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
    push(&mut bench, 30, squares);
    let other = common::bench::fixture("clip.toml");
    bench.harness.element().unwrap().set_property("model", other.to_str().unwrap());
    push(&mut bench, 90, squares);
    let (frames, _, stats) = finish(bench);
    let last: Vec<(i32, &str)> =
        frames.last().unwrap().iter().map(|result| (object(result), &*result.class.label)).collect();
    assert_eq!(last, [(1, "red"), (2, "green")]);
    assert_all_windows_are_counted(&stats);
}

#[test]
fn a_clip_shorter_than_half_a_window_has_a_result_of_its_object() {
    let mut bench = bench("eos=pad");
    push(&mut bench, 2, [Square(RED, Some(7)), Square(BLUE, None), Square(BLUE, None)]);
    let (frames, _, stats) = finish(bench);
    assert_eq!((stats.get("samples"), stats.get("windows")), (Ok(1u64), Ok(1u64)), "{stats}");
    let labels =
        |results: &Vec<FrameResult>| results.iter().map(|result| result.class.label.to_string()).collect();
    assert_eq!(frames.iter().map(labels).collect::<Vec<Vec<String>>>(), [["red"], ["red"]]);
}

#[test]
fn frames_without_objects_pass_as_they_are() {
    for alignment in ["delay", "hold"] {
        let mut bench = bench(&format!("alignment={alignment}"));
        push(&mut bench, 60, [Square(RED, None); 3]);
        let (frames, actions, stats) = finish(bench);
        assert!(frames.len() == 60 && frames.iter().all(Vec::is_empty) && actions.is_empty());
        assert_eq!(stats.get::<u64>("windows"), Ok(0));
    }
}
