//! The window machine against a reference that looks everything up, for any stream of frames.

#![allow(clippy::unwrap_used)] // Helpers of tests stand outside of test functions.

mod events;
mod invariants;
mod reference;

use events::{Event, MS, Op, Other, Plan, RATES, Setup, events};
use gstartclassify::window::{Decision, Ownership};
use proptest::prelude::*;

fn plans() -> impl Strategy<Value = Plan> {
    let named = prop::sample::select(vec![60000.0 / 1001.0, 24000.0 / 1001.0, 59.94, 10.0, 15.0, 8.0, 1.0]);
    let fps = prop_oneof![3 => named, 1 => 0.2f64..70.0];
    let windows = (1u64..=20).prop_flat_map(|frames| (Just(frames), 1..=frames));
    (fps, windows).prop_map(|(fps, (frames, hop))| Plan { fps, frames, hop })
}

fn setups() -> impl Strategy<Value = Setup> {
    let tolerance = prop::sample::select(vec![0, 100 * MS, 2000 * MS, u64::MAX]);
    let ownership =
        prop::sample::select(vec![Ownership::Central, Ownership::CentralInTime, Ownership::Newest]);
    (plans(), tolerance, ownership).prop_map(|(Plan { fps, frames, hop }, gap_tolerance, ownership)| Setup {
        fps,
        frames,
        hop,
        ownership,
        gap_tolerance,
    })
}

/// What a source does, out of the things that `op` says besides the usual. Most streams stay with the rate
/// they begin with.
fn ops(rare: impl Strategy<Value = Op>, most: usize) -> impl Strategy<Value = Vec<Op>> {
    let other = prop_oneof![
        1 => Just(Other::Flush),
        3 => Just(Other::Format),
        1 => any::<bool>().prop_map(|pad| Other::End { pad }),
        1 => (any::<bool>(), plans()).prop_map(|(pad, plan)| Other::Model { pad, plan }),
        1 => (0u16..5000).prop_map(|ms| Other::Tolerance { ms }),
        1 => any::<bool>().prop_map(Other::Live),
    ];
    let op = prop_oneof![
        40 => any::<i8>().prop_map(|jitter| Op::Next { jitter }),
        20 => Just(Op::Next { jitter: 0 }),
        3 => Just(Op::Again),
        3 => (0u8..20).prop_map(|frames| Op::Skip { frames }),
        2 => (-3000i16..3000, any::<bool>(), any::<bool>())
            .prop_map(|(ms, discont, position)| Op::Jump { ms, discont, position }),
        3 => (0u8..20, prop_oneof![Just(0), any::<i8>()], any::<bool>())
            .prop_map(|(frames, part, kept)| Op::Gap { frames, part, kept }),
        5 => other.prop_map(Op::Other),
        2 => rare,
    ];
    let first = any::<u8>().prop_map(|rate| Op::Rate { rate });
    (first, prop::collection::vec(op, 0..most)).prop_map(|(first, rest)| [vec![first], rest].concat())
}

fn rates() -> impl Strategy<Value = Op> {
    any::<u8>().prop_map(|rate| Op::Rate { rate })
}

/// Frames at any time that last any time, close together and far apart, and gaps until any time.
fn wild() -> impl Strategy<Value = Op> {
    let time = (any::<u64>(), 0u32..64).prop_map(|(time, shift)| time >> shift);
    let frame =
        (time.clone(), time.clone()).prop_map(|(running_time, duration)| Op::Wild { running_time, duration });
    prop_oneof![2 => frame, 1 => time.prop_map(|until| Op::WildGap { until })]
}

/// Compares event by event, so that the first difference is what a failure shows.
fn compare(setup: &Setup, events: &[Event]) {
    let got = invariants::check(setup, events);
    let expected = reference::answers(setup, events);
    for (at, (got, expected)) in got.iter().zip(&expected).enumerate() {
        assert_eq!(got, expected, "event {at}: {:?}", events[at]);
    }
}

/// The greatest number of frames that wait at the same time.
fn most_waiting(setup: &Setup, events: &[Event]) -> usize {
    let mut newest = None;
    let mut waiting: Vec<u64> = Vec::new();
    let counts = invariants::check(setup, events).into_iter().map(|(decisions, owner)| {
        for decision in decisions {
            if let Decision::Window(window) = decision {
                newest = Some(window.number);
            }
        }
        waiting.extend(owner);
        waiting.retain(|&owner| newest.is_none_or(|newest| owner > newest));
        waiting.len()
    });
    counts.max().unwrap_or_default()
}

proptest! {
    #[test]
    fn the_machine_equals_the_reference(setup in setups(), ops in ops(rates(), 120)) {
        compare(&setup, &events(&ops));
    }

    #[test]
    fn no_frame_is_too_wild(setup in setups(), fps in 1e-12f64..1000.0, ops in ops(wild(), 20)) {
        invariants::check(&setup, &events(&ops));
        invariants::check(&Setup { fps, ..setup }, &events(&ops));
    }

    /// What upstream is asked for is enough, also while the first window fills.
    #[test]
    fn no_more_frames_wait_than_are_said_to(setup in setups(), rate in 0..RATES.len(), frames in 1usize..400) {
        let ops = [vec![Op::Rate { rate: rate as u8 }], vec![Op::Next { jitter: 0 }; frames]].concat();
        let waiting = most_waiting(&setup, &events(&ops));
        prop_assert!(waiting <= setup.windower().held_frames(RATES[rate]) as usize, "{waiting} frames wait");
    }
}
