//! Windows out of frames, frame by frame.

use super::*;

const MS: u64 = 1_000_000;

fn windower(frames: u64, hop: u64) -> Windower {
    let settings = GridSettings { fps: 10.0, gap_tolerance: 2_000 * MS };
    Windower::new(settings, WindowPlan::new(frames, hop).unwrap(), Ownership::Central)
}

fn frame(running_time: u64, duration: u64) -> FrameTime {
    let pts = running_time + 7;
    FrameTime { pts, running_time, stream_time: Some(running_time), duration, discont: false }
}

fn sources(taken: &Taken) -> Vec<Source> {
    let sources = taken.decisions.iter().filter_map(|decision| match decision {
        Decision::Sample(source) => Some(*source),
        _ => None,
    });
    sources.collect()
}

#[test]
fn a_slow_source_repeats_frames_and_counts_them() {
    let mut windower = windower(4, 4);
    for second in 0..3 {
        windower.frame(frame(second * 1_000 * MS, 1_000 * MS));
    }
    assert_eq!(windower.repeated(), 23);
}

#[test]
fn at_another_rate_pts_go_further_than_running_time() {
    let mut windower = windower(2, 2);
    windower.set_rate(4.0);
    let at = |n: u64| FrameTime { pts: n * 400 * MS, ..frame(n * 100 * MS, 100 * MS) };
    let found = [0, 1].map(|n| windower.frame(at(n)).decisions);
    let owns = found.iter().flatten().find_map(|decision| match decision {
        Decision::Window(window) => Some((window.owns_from, window.owns_to)),
        _ => None,
    });
    let moment = |ms: u64| Moment { pts: 4 * ms * MS, running_time: ms * MS };
    assert_eq!(owns, Some((moment(0), moment(200))));
    assert_eq!(windower.sample_period(), 400 * MS);
    assert_eq!(windower.end(false).1.until, Some(moment(200)));
}

#[test]
fn after_a_change_of_format_no_sample_is_of_the_frame_before() {
    let mut windower = windower(4, 4);
    windower.frame(frame(0, 100 * MS));
    windower.change_format();
    let taken = windower.frame(frame(300 * MS, 100 * MS));
    assert_eq!(sources(&taken), [Source::Current, Source::Repeat, Source::Repeat]);
    assert_eq!(windower.repeated(), 2);
}

#[test]
fn a_frame_in_a_new_format_is_no_repeat_though_it_has_the_same_time() {
    let mut windower = windower(4, 4);
    windower.frame(frame(0, 100 * MS));
    windower.change_format();
    assert_eq!(sources(&windower.frame(frame(0, 200 * MS))), [Source::Current]);
}

#[test]
fn a_change_of_format_at_the_end_leaves_the_end_where_the_last_frame_ends() {
    let mut windower = windower(4, 4);
    windower.frame(frame(0, 100 * MS));
    windower.change_format();
    let (window, end) = windower.end(true);
    let until = Moment { pts: 100 * MS + 7, running_time: 100 * MS };
    assert_eq!(end, GridEnd { reset: None, last: Some(0), until: Some(until) });
    assert_eq!(window.map(|window| (window.taken, window.samples.len())), Some((1, 4)));
}

#[test]
fn a_window_that_closes_with_its_grid_owns_nothing_behind_it() {
    let mut windower = windower(4, 2);
    (0..5).for_each(|n| drop(windower.frame(frame(n * 100 * MS, 30 * MS))));
    let owns = windower.end(true).0.map(|window| (window.owns_from, window.owns_to));
    let moment = |ms| Moment { pts: ms * MS + 7, running_time: ms * MS };
    assert_eq!(owns, Some((moment(300), moment(430))));
}

#[test]
fn a_gap_decides_what_the_next_frame_cannot_serve() {
    let mut windower = windower(4, 4);
    windower.frame(frame(0, 100 * MS));
    assert_eq!(windower.gap(250 * MS), [Decision::Sample(Source::Repeat)]);
    assert_eq!(windower.gap(250 * MS), []);
    assert_eq!(sources(&windower.frame(frame(250 * MS, 100 * MS))), [Source::Current, Source::Repeat]);
}

#[test]
fn a_gap_of_two_frames_is_tolerated_whatever_the_tolerance_is() {
    let mut windower = windower(16, 16);
    windower.set_gap_tolerance(0);
    windower.frame(frame(0, 400 * MS));
    assert_eq!(windower.gap(5_000 * MS), vec![Decision::Sample(Source::Repeat); 3]);
}

#[test]
fn a_grid_that_ends_in_a_gap_ends_where_the_last_frame_leaves_the_screen() {
    for (gap, end) in [(50, 100), (1_500, 1_500), (5_000, 2_000)] {
        let mut windower = windower(4, 4);
        windower.frame(frame(0, 100 * MS));
        windower.gap(gap * MS);
        let until = Moment { pts: end * MS + 7, running_time: end * MS };
        assert_eq!(windower.end(false).1.until, Some(until), "a gap until {gap} ms");
    }
}

#[test]
fn windows_own_stretches_of_the_grid_however_far_frames_lie_from_it() {
    let mut windower = windower(4, 2);
    let frames = (0..6).flat_map(|n| windower.frame(frame(n * 330 * MS, 330 * MS)).decisions);
    let windows = frames.filter_map(|decision| match decision {
        Decision::Window(window) => Some((window.owns_from, window.owns_to)),
        _ => None,
    });
    let moment = |ms| Moment { pts: ms * MS + 7, running_time: ms * MS };
    let expected = [(0, 300), (300, 500), (500, 700)].map(|(from, to)| (moment(from), moment(to)));
    assert_eq!(windows.take(3).collect::<Vec<_>>(), expected);
}

#[test]
fn upstream_needs_frames_for_the_first_window_too() {
    assert_eq!(windower(16, 1).held_frames(30.0), 50);
}

#[test]
fn upstream_needs_frames_for_further_windows_that_are_complete() {
    let plan = |further| WindowPlan::new(16, 4).map(|plan| plan.with_further(further));
    let held = |further| {
        let mut windower = windower(16, 4);
        windower.set_plan(10.0, plan(further).unwrap());
        windower.held_frames(30.0)
    };
    assert_eq!([0, 1, 2].map(held), [50, 62, 74]);
}
