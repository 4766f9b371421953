//! Streams and actions out of chance through the gate.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{Clip, Filter, Frame, Gate, GateSettings, Moment, Step, Told};

/// Time from frame to frame.
const FRAME: u64 = 40;

fn settings(decide: Moment) -> GateSettings {
    GateSettings {
        pre_roll: 300,
        post_roll: 100,
        max_lag: 500,
        max_time: u64::MAX,
        max_bytes: u64::MAX,
        decide,
        filter: Filter::default(),
    }
}

fn told(action: u64, start: u64, end: Option<u64>) -> Told {
    Told { model: "dives".into(), action, object: None, label: "pike".into(), score: 0.9, start, end }
}

/// A stream of `groups` in decoding order, each of so many frames; with `reorder`, a frame that is shown later comes
/// before the two that are shown before it.
fn stream(groups: &[usize], reorder: bool) -> Vec<Frame<usize>> {
    let mut frames = Vec::new();
    let mut shown = 0;
    for &length in groups {
        let mut order: Vec<usize> = (0..length).collect();
        if reorder {
            order[1..].chunks_mut(3).for_each(|part| part.rotate_right(1));
        }
        for place in order {
            let (time, item) = ((shown + place) as u64 * FRAME, frames.len());
            let delay = if reorder { 2 * FRAME } else { 0 };
            let decode = (item as u64 * FRAME).saturating_sub(delay).min(time);
            frames.push(Frame { time, end: time + FRAME, decode, key: place == 0, bytes: 1, item });
        }
        shown += length;
    }
    frames
}

/// What a gate did with a stream: the clips with their frames.
#[derive(Debug, Default)]
struct Done {
    clips: Vec<(Clip, Vec<Frame<usize>>)>,
    open: Option<Vec<Frame<usize>>>,
    left: Vec<usize>,
}

impl Done {
    fn take(&mut self, steps: Vec<Step<usize>>) {
        for step in steps {
            match step {
                Step::Start(_) => assert!(self.open.replace(Vec::new()).is_none(), "a clip in a clip"),
                Step::Pass(frame) => {
                    self.left.push(frame.item);
                    self.open.as_mut().expect("a frame passes outside of clips").push(frame);
                }
                Step::Stop(clip) => self.clips.push((clip, self.open.take().expect("no clip to stop"))),
                Step::Drop(frame) => self.left.push(frame.item),
            }
        }
    }
}

/// Sends the frames and, each before the first frame shown after its moment, what is told.
fn run(gate: &mut Gate<usize>, frames: &[Frame<usize>], events: &[(u64, Told)], most: u64) -> Done {
    let (mut done, mut events) = (Done::default(), events.iter().peekable());
    for frame in frames {
        while let Some((_, told)) = events.next_if(|(moment, _)| *moment <= frame.time) {
            done.take(gate.tell(told.clone()));
        }
        done.take(gate.push(frame.clone()));
        assert!(gate.bytes() <= most);
    }
    events.for_each(|(_, told)| done.take(gate.tell(told.clone())));
    done.take(gate.finish());
    assert!(gate.is_empty() && done.open.is_none());
    done
}

/// What is told of actions that start at a time, last for a while, and are told of so much later.
fn events(actions: &[(u64, u64, u64, u64)]) -> Vec<(u64, Told)> {
    let mut events = Vec::new();
    for (number, &(start, length, lag, end_lag)) in actions.iter().enumerate() {
        events.push((start + lag, told(number as u64, start, None)));
        let end = start + length;
        events.push(((start + lag).max(end + end_lag), told(number as u64, start, Some(end))));
    }
    events.sort_by_key(|(moment, _)| *moment);
    events
}

fn clips_of(done: &Done) -> Vec<(u64, u64, Vec<u64>)> {
    let numbers = |clip: &Clip| clip.actions.iter().map(|action| action.action).collect();
    done.clips.iter().map(|(clip, _)| (clip.start, clip.end, numbers(clip))).collect()
}

#[test]
fn a_clip_begins_at_a_keyframe_and_ends_after_the_post_roll() {
    let frames = stream(&[5; 20], false);
    for decide in [Moment::Stop, Moment::Start] {
        let mut gate = Gate::new(settings(decide));
        let done = run(&mut gate, &frames, &events(&[(1000, 500, 200, 0)]), u64::MAX);
        assert_eq!(clips_of(&done), [(600, 1640, vec![0])], "{decide:?}");
        assert_eq!((gate.counts().passed, gate.counts().dropped, gate.counts().shortened), (26, 74, 0));
    }
}

#[test]
fn a_complete_clip_leaves_once_no_action_can_join_it() {
    let frames = stream(&[5; 20], false);
    let mut gate = Gate::new(settings(Moment::Stop));
    gate.tell(told(0, 1000, Some(1500)));
    let first =
        frames.iter().position(|frame| gate.push(frame.clone()).iter().any(|s| matches!(s, Step::Start(_))));
    // 1600 is needed, its group ends at 1800, and what begins then is told of until 1800 + 300 + 500.
    assert_eq!(frames[first.unwrap()].time, 2600);
}

#[test]
fn actions_whose_clips_touch_a_group_are_one_clip() {
    let frames = stream(&[5; 30], false);
    for (second, clips) in [(2090, vec![vec![0, 1]]), (2100, vec![vec![0], vec![1]])] {
        for decide in [Moment::Stop, Moment::Start] {
            let mut gate = Gate::new(settings(decide));
            let events = events(&[(1000, 500, 500, 0), (second, 200, 500, 0)]);
            let done = run(&mut gate, &frames, &events, u64::MAX);
            let numbers: Vec<_> = clips_of(&done).into_iter().map(|(_, _, numbers)| numbers).collect();
            assert_eq!(numbers, clips, "{decide:?} {second}");
        }
    }
}

#[test]
fn an_action_without_a_stop_ends_with_the_stream() {
    let frames = stream(&[5; 10], false);
    for decide in [Moment::Stop, Moment::Start] {
        let mut gate = Gate::new(settings(decide));
        let done = run(&mut gate, &frames, &[(1000, told(7, 1000, None))], u64::MAX);
        assert_eq!(clips_of(&done), [(600, 2000, vec![7])]);
        assert_eq!(done.clips[0].0.actions[0].end, Some(1960));
        let again = run(&mut gate, &frames, &[(1000, told(7, 1000, Some(1200)))], u64::MAX);
        assert!(again.clips.is_empty(), "its stop comes too late");
    }
}

#[test]
fn actions_of_two_models_are_two_though_they_have_one_number() {
    let frames = stream(&[5; 40], false);
    let other = Told { model: "leaps".into(), ..told(0, 4000, None) };
    let events = [
        (1000, told(0, 1000, None)),
        (4000, other.clone()),
        (4500, Told { end: Some(4500), ..other }),
        (5000, told(0, 1000, Some(5000))),
    ];
    for decide in [Moment::Stop, Moment::Start] {
        let mut gate = Gate::new(settings(decide));
        let done = run(&mut gate, &frames, &events, u64::MAX);
        assert_eq!(clips_of(&done), [(600, 5120, vec![0, 0])], "{decide:?}");
        assert_eq!(gate.counts().actions, 2);
    }
}

#[test]
fn a_label_that_is_final_decides() {
    let frames = stream(&[5; 20], false);
    let wrong = Told { label: "tuck".into(), ..told(0, 1000, None) };
    for (stop, clips) in [(told(0, 1000, Some(1500)), 1), (Told { end: Some(1500), ..wrong.clone() }, 0)] {
        for decide in [Moment::Stop, Moment::Start] {
            let filter = Filter::new("pike", 0.5);
            let mut gate = Gate::new(GateSettings { filter, ..settings(decide) });
            let events = [(1000, wrong.clone()), (1500, stop.clone())];
            let done = run(&mut gate, &frames, &events, u64::MAX);
            assert_eq!((done.clips.len(), gate.counts().shortened), (clips, 0));
        }
    }
}

#[test]
fn a_long_action_begins_to_leave_when_there_is_no_room() {
    let frames = stream(&[5; 40], false);
    let mut gate = Gate::new(GateSettings { max_bytes: 40, ..settings(Moment::Stop) });
    let done = run(&mut gate, &frames, &events(&[(1000, 5000, 200, 0)]), 40);
    assert_eq!(clips_of(&done), [(600, 6120, vec![0])]);
    assert_eq!((gate.counts().shortened, gate.counts().crowded), (0, 0));
}

#[test]
fn frames_for_which_there_is_no_room_are_counted() {
    let frames = stream(&[5; 20], false);
    let mut gate = Gate::new(GateSettings { max_bytes: 12, ..settings(Moment::Stop) });
    let done = run(&mut gate, &frames, &events(&[(1000, 500, 500, 0)]), 12);
    assert_eq!(clips_of(&done), [(1200, 1640, vec![0])]);
    assert_eq!((gate.counts().shortened, gate.counts().crowded > 0), (1, true));
    let mut gate = Gate::new(GateSettings { max_bytes: 4, ..settings(Moment::Stop) });
    run(&mut gate, &frames, &events(&[(1000, 100, 500, 0)]), 4);
    assert_eq!((gate.counts().lost, gate.counts().clips), (1, 0));
}

#[test]
fn a_stream_that_starts_again_ends_what_was_before() {
    let frames = stream(&[5; 10], false);
    let mut gate = Gate::new(settings(Moment::Stop));
    let mut done = Done::default();
    done.take(gate.tell(told(0, 1000, None)));
    frames.iter().for_each(|frame| done.take(gate.push(frame.clone())));
    assert!(done.clips.is_empty());
    done.take(gate.push(frames[0].clone()));
    assert_eq!(clips_of(&done), [(600, 2000, vec![0])]);
    let (clip, frames) = gate.flush();
    assert_eq!((clip, frames.len()), (None, 1));
    assert!(gate.is_empty());
}

#[test]
fn a_flush_ends_the_clip_where_it_is() {
    let mut gate = Gate::new(settings(Moment::Start));
    gate.tell(told(0, 0, None));
    stream(&[5], false).into_iter().for_each(|frame| drop(gate.push(frame)));
    assert_eq!(gate.flush().0.map(|clip| (clip.start, clip.end)), Some((0, 200)));
}

#[test]
fn frames_that_need_what_is_gone_are_left_out() {
    let mut frames = stream(&[5; 20], false);
    // The fourth group is open: two frames behind its keyframe show before it.
    frames[16].time = 560;
    frames[16].decode = 560;
    let mut gate = Gate::new(settings(Moment::Stop));
    let done = run(&mut gate, &frames, &events(&[(1000, 100, 0, 0)]), u64::MAX);
    let items: Vec<_> = done.clips[0].1.iter().map(|frame| frame.item).collect();
    assert_eq!(items[..3], [15, 17, 18]);
}

prop_compose! {
    fn actions()(gaps in prop::collection::vec((0u64..3000, 0u64..1500, 0u64..=500, 0u64..=500), 0..12))
        -> Vec<(u64, u64, u64, u64)>
    {
        let mut at = 0;
        gaps.into_iter().map(|(gap, length, lag, end_lag)| {
            at += gap;
            (at, length, lag, end_lag)
        }).collect()
    }
}

proptest! {
    /// Every action that lies in the stream is in exactly one clip, which has all that was asked for and begins within
    /// a group of it; frames leave in order, once; a clip is a stretch of the stream.
    #[test]
    fn every_action_is_in_one_clip(
        groups in prop::collection::vec(1usize..30, 1..60),
        reorder: bool,
        early: bool,
        actions in actions(),
    ) {
        let frames = stream(&groups, reorder);
        let decide = if early { Moment::Start } else { Moment::Stop };
        let mut gate = Gate::new(settings(decide));
        let end = frames.iter().map(|frame| frame.time).max().unwrap();
        let actions: Vec<_> = actions.into_iter().filter(|&(start, ..)| start <= end).collect();
        let done = run(&mut gate, &frames, &events(&actions), u64::MAX);
        prop_assert!(done.left.is_sorted_by(|a, b| a < b) && done.left.len() == frames.len());

        let mut homes = BTreeMap::new();
        for (index, (clip, passed)) in done.clips.iter().enumerate() {
            for action in &clip.actions {
                prop_assert_eq!(homes.insert(action.action, index), None, "an action in two clips");
            }
            prop_assert!(passed[0].key && passed[0].time == clip.start);
            prop_assert!(passed.windows(2).all(|pair| pair[0].item + 1 == pair[1].item));
            let times: BTreeSet<_> = passed.iter().map(|frame| frame.time).collect();
            let shown = times.iter().zip(times.iter().skip(1));
            prop_assert!(shown.into_iter().all(|(one, next)| next - one == FRAME), "a hole in what is shown");
            let first = clip.actions[0].start.saturating_sub(300);
            let next = frames.iter().find(|frame| frame.key && frame.time > clip.start);
            prop_assert!(clip.start <= first && next.is_none_or(|next| next.time > first));
            for action in &clip.actions {
                let wanted = action.start.saturating_sub(300)..=action.end.unwrap() + 100;
                let wanted = frames.iter().map(|frame| frame.time).filter(|time| wanted.contains(time));
                prop_assert!(wanted.into_iter().all(|time| times.contains(&time)));
            }
        }
        prop_assert_eq!(homes.len(), actions.len());
        let counts = gate.counts();
        prop_assert_eq!((counts.shortened, counts.lost, counts.crowded), (0, 0, 0));
        prop_assert_eq!(counts.passed + counts.dropped, frames.len() as u64);
    }

    /// Both moments of decision cut the same clips where what is told is told at once.
    #[test]
    fn clips_do_not_depend_on_when_they_leave(
        groups in prop::collection::vec(1usize..30, 1..60),
        reorder: bool,
        actions in actions(),
    ) {
        let frames = stream(&groups, reorder);
        let actions: Vec<_> = actions.into_iter().map(|(start, length, ..)| (start, length, 0, 0)).collect();
        let clips = [Moment::Stop, Moment::Start].map(|decide| {
            let done = run(&mut Gate::new(settings(decide)), &frames, &events(&actions), u64::MAX);
            done.clips.into_iter().map(|(_, passed)| passed).collect::<Vec<_>>()
        });
        prop_assert_eq!(&clips[0], &clips[1]);
    }

    /// Whatever the bounds, memory stays within them, and no frame and no action goes twice.
    #[test]
    fn memory_is_bounded(
        groups in prop::collection::vec(1usize..60, 1..40),
        reorder: bool,
        early: bool,
        actions in actions(),
        max_bytes in 1u64..100,
        max_time in 1u64..5000,
    ) {
        let frames = stream(&groups, reorder);
        let decide = if early { Moment::Start } else { Moment::Stop };
        let mut gate = Gate::new(GateSettings { max_bytes, max_time, ..settings(decide) });
        let done = run(&mut gate, &frames, &events(&actions), max_bytes);
        prop_assert!(done.left.is_sorted_by(|a, b| a < b) && done.left.len() == frames.len());
        let numbers: Vec<_> = done.clips.iter().flat_map(|(clip, _)| &clip.actions).map(|told| told.action).collect();
        prop_assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), numbers.len());
        let counts = gate.counts();
        prop_assert_eq!(counts.actions, numbers.len() as u64);
        prop_assert_eq!(counts.actions + counts.lost, actions.len() as u64);
        prop_assert!(done.clips.iter().all(|(clip, passed)| passed[0].key && passed[0].time == clip.start));
    }
}
