//! Frames pass `artclassify` and `artpublish` as they are: the same memory, and free to be written on where nothing more is
//! taken from it.

#![allow(clippy::unwrap_used)] // The exemption for tests does not reach their helpers.

mod common;

use std::sync::{Arc, Mutex};

use common::bench::{Bench, RED, model};
use gst::prelude::*;

/// A frame at the moment when it leaves the element.
struct Left {
    pts: u64,
    /// Where its pixels are.
    address: usize,
    /// Whether an element that draws in place gets by without a copy.
    writable: bool,
}

fn address(buffer: &gst::BufferRef) -> usize {
    buffer.map_readable().unwrap().as_ptr() as usize
}

/// Pushes `frames` red frames, each in memory that nobody else holds: where their pixels were, and how they left.
fn pass(properties: &str, frames: u64) -> (Vec<usize>, Vec<Left>) {
    let mut bench = Bench::new(&format!("{} {properties}", model("model.toml")));
    let left: Arc<Mutex<Vec<Left>>> = Arc::default();
    let seen = Arc::clone(&left);
    let pad = bench.harness.element().unwrap().static_pad("src").unwrap();
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let buffer = info.buffer().unwrap();
        seen.lock().unwrap().push(Left {
            pts: buffer.pts().unwrap().nseconds(),
            address: address(buffer),
            writable: buffer.is_writable() && buffer.is_all_memory_writable(),
        });
        gst::PadProbeReturn::Ok
    });
    let mut came = Vec::new();
    for frame in 0..frames {
        let buffer = bench.buffer(RED, Some(bench.time_of(frame)));
        came.push(address(&buffer));
        bench.harness.push(buffer).unwrap();
    }
    bench.finish();
    let left = std::mem::take(&mut *left.lock().unwrap());
    (came, left)
}

/// One in three frames is a sample.
const FRAMES: u64 = 90;

fn assert_same_memory(came: &[usize], left: &[Left]) {
    let left: Vec<usize> = left.iter().map(|left| left.address).collect();
    assert_eq!(left, came, "every frame leaves in the memory that it came in");
}

#[test]
fn frames_that_waited_can_be_written_on_without_a_copy() {
    let (came, left) = pass("alignment=delay policy=block", FRAMES);
    assert_same_memory(&came, &left);
    let shared: Vec<u64> = left.iter().filter(|left| !left.writable).map(|left| left.pts).collect();
    assert!(shared.is_empty(), "{shared:?}");
}

/// A frame between two samples is kept until the next one has come, since it is sampled where that is late.
#[test]
fn sampled_frames_can_be_written_on_without_a_copy_though_they_leave_at_once() {
    for properties in ["alignment=hold policy=block", "alignment=hold policy=drop"] {
        let (came, left) = pass(properties, FRAMES);
        assert_same_memory(&came, &left);
        for (n, left) in left.iter().enumerate().step_by(3) {
            assert!(left.writable, "{properties}: frame {n}, which is a sample");
        }
    }
}

#[cfg(feature = "mqtt")]
mod publishing {
    use common::{action_event, classification, frame_with, init, video_info};
    use gst_video::VideoFormat;
    use gstartclassify::action::ActionState;

    use super::*;

    /// An element whose broker is never there.
    fn harness(properties: &str) -> gst_check::Harness {
        init();
        let mut harness = gst_check::Harness::new_parse(&format!(
            "artpublish broker=mqtt://localhost:1 linger=0 {properties}"
        ));
        harness.set_src_caps(video_info(VideoFormat::I420, 64, 48).to_caps().unwrap());
        harness
    }

    fn stats(harness: &gst_check::Harness) -> gst::Structure {
        // A parsed description is a bin around the element.
        let bin = harness.element().unwrap().downcast::<gst::Bin>().unwrap();
        bin.iterate_elements().into_iter().next().unwrap().unwrap().property("stats")
    }

    fn result(window: u64) -> gst::Buffer {
        frame_with(&video_info(VideoFormat::I420, 64, 48), 40 * window, &classification(window), true)
    }

    #[test]
    fn everything_passes_untouched_while_the_broker_is_away() {
        let mut harness = harness("content=all");
        let came: Vec<usize> = (0..6)
            .map(|window| {
                let buffer = result(window);
                let address = address(&buffer);
                harness.push(buffer).unwrap();
                address
            })
            .collect();
        let mut list = gst::BufferList::new();
        list.get_mut().unwrap().extend((6..9).map(result));
        harness.element().unwrap().sink_pads()[0].chain_list(list).unwrap();
        for state in [ActionState::Start, ActionState::Update, ActionState::Stop] {
            assert!(harness.push_event(action_event(state)));
        }
        let left: Vec<gst::Buffer> = std::iter::from_fn(|| harness.try_pull()).collect();
        assert_eq!(left.len(), 9);
        assert_eq!(left[..6].iter().map(|buffer| address(buffer)).collect::<Vec<_>>(), came);
        assert!(left.iter().all(|buffer| gstartclassify::meta::read(buffer).is_some()));
        let events: Vec<gst::Event> = std::iter::from_fn(|| harness.try_pull_event()).collect();
        let told = events.iter().filter(|event| event.type_() == gst::EventType::CustomDownstream);
        assert_eq!(told.count(), 3, "in their place, updates too");
        let stats = stats(&harness);
        let count = |field| stats.get::<u64>(field).unwrap();
        assert_eq!((count("messages"), count("waiting"), count("acknowledged")), (11, 11, 0));
    }

    #[test]
    fn a_property_says_what_is_published() {
        for (properties, messages) in [("", 2), ("content=windows", 3), ("content=all", 5)] {
            let mut harness = harness(properties);
            (0..3).for_each(|window| _ = harness.push(result(window)).unwrap());
            harness.push_event(action_event(ActionState::Start));
            harness.push_event(action_event(ActionState::Stop));
            harness.push(result(2)).unwrap();
            assert_eq!(stats(&harness).get::<u64>("messages"), Ok(messages), "{properties}");
        }
    }

    #[test]
    fn any_caps_pass() {
        init();
        let mut harness = gst_check::Harness::new_parse("artpublish broker=mqtt://localhost:1 linger=0");
        harness.set_src_caps_str("application/x-something, width=3");
        harness.push(gst::Buffer::from_slice([1, 2, 3])).unwrap();
        assert_eq!(harness.pull().unwrap().size(), 3);
    }
}
