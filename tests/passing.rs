//! Frames pass `artclassify` as they are: the same memory, and free to be written on where nothing more is taken from it.

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
