//! `artclassify` with the tiny models of `tests/fixtures`, which tell the colour of solid pictures.

#![allow(clippy::unwrap_used)] // Helpers of tests stand outside of test functions.

mod common;

use common::bench::{BLUE, Bench, GREEN, RED, SECOND, actions, fixture, model, results, shot};
use gst::prelude::*;
use gstartclassify::{
    action::ActionState,
    meta::{self, FrameResult},
};

/// The clip form and the split form of the same model.
const FORMS: [&str; 2] = ["clip.toml", "model.toml"];

#[test]
fn both_forms_see_the_colours_and_frames_carry_their_own_window() {
    for form in FORMS {
        let mut bench = Bench::new(&model(form));
        bench.push(&[shot(RED, 30), shot(GREEN, 30)]);
        let (frames, _) = bench.finish();
        let results = results(&frames);
        assert_eq!(results.len(), 60, "{form}");
        for (i, result) in results.iter().enumerate() {
            let result = result.unwrap_or_else(|| panic!("{form}: frame {i} carries nothing"));
            // A window of 4 samples owns the 2 in its middle: near the cut both colours are in it.
            if !(27..=33).contains(&i) {
                assert_eq!(&*result.class.label, if i < 30 { "red" } else { "green" }, "{form}: frame {i}");
            }
            assert!(result.age.unwrap() < 0, "{form}: frame {i} lies inside of its window");
        }
        // 20 samples: windows 0..=8, the last of which ends with sample 19.
        let windows: Vec<u64> = results.iter().flatten().filter(|r| r.first).map(|r| r.window).collect();
        assert_eq!(windows, (0..9).collect::<Vec<_>>(), "{form}");
        let starts: Vec<u64> = results.iter().flatten().filter(|r| r.first).map(|r| r.start).collect();
        assert!(
            starts.iter().enumerate().all(|(k, start)| start.abs_diff(k as u64 * SECOND / 5) < 17_000_000)
        );
    }
}

#[test]
fn both_forms_give_the_same_scores() {
    let scores = FORMS.map(|form| {
        let mut bench = Bench::new(&model(form));
        bench.push(&[shot([200, 90, 30], 20), shot(GREEN, 20)]);
        let (frames, _) = bench.finish();
        results(&frames).into_iter().flatten().map(|result| result.class.clone()).collect::<Vec<_>>()
    });
    assert_eq!(scores[0].len(), 40);
    for (clip, split) in scores[0].iter().zip(&scores[1]) {
        assert_eq!(clip.label_id, split.label_id);
        assert!((clip.score - split.score).abs() < 1e-5);
    }
}

#[test]
fn video_passes_untouched_in_both_alignments() {
    for alignment in ["delay", "hold"] {
        let mut bench = Bench::new(&format!("{} alignment={alignment}", model("model.toml")));
        bench.push(&[shot(RED, 25)]);
        let expected = bench.buffer(RED, Some(0)).map_readable().unwrap().to_vec();
        let (frames, _) = bench.finish();
        assert_eq!(frames.len(), 25);
        for (i, out) in frames.iter().enumerate() {
            assert_eq!(out.pts, Some(i as u64 * SECOND / 30));
            assert_eq!(out.bytes, expected);
        }
    }
}

#[test]
fn a_held_frame_carries_the_newest_result_and_its_age() {
    let mut bench = Bench::new(&format!("{} alignment=hold", model("model.toml")));
    bench.push(&[shot(RED, 30)]);
    let (frames, _) = bench.finish();
    let results = results(&frames);
    // Sample 3 is frame 9: before it there is no whole window.
    assert!(results[..9].iter().all(Option::is_none));
    let windows: Vec<u64> = results[9..].iter().map(|result| result.unwrap().window).collect();
    assert_eq!(windows[..13], [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2]);
    let ages: Vec<i64> = results[9..12].iter().map(|result| result.unwrap().age.unwrap()).collect();
    assert!(ages[0] < ages[1] && ages[1] < ages[2]);
}

#[test]
fn boxes_lie_in_the_pixels_of_the_frame() {
    let mut bench = Bench::with_size(&model("model.toml"), (200, 100));
    bench.push(&[shot(RED, 12)]);
    let (frames, _) = bench.finish();
    let tracklet = &results(&frames)[0].unwrap().tracklets[0];
    let area = tracklet.area;
    assert_eq!((area.x, area.y, area.w, area.h), (50, 38, 100, 25));
    assert_eq!(&*tracklet.query.as_ref().unwrap().label, "red");
}

#[test]
fn tracklets_keep_their_identity_from_window_to_window() {
    let mut bench = Bench::new(&model("model.toml"));
    bench.push(&[shot(RED, 60)]);
    let (frames, _) = bench.finish();
    assert!(results(&frames).iter().all(|result| result.unwrap().tracklets[0].id == 0));
}

#[test]
fn a_clip_shorter_than_a_window_is_padded_or_dropped() {
    for (eos, windows) in [("pad", 1), ("drop", 0)] {
        for frames in [1, 4] {
            let mut bench = Bench::new(&format!("{} eos={eos}", model("clip.toml")));
            bench.push(&[shot(GREEN, frames)]);
            let (out, _) = bench.finish();
            let results = results(&out);
            assert_eq!(results.len() as u64, frames);
            assert_eq!(results.iter().flatten().filter(|r| r.first).count(), windows, "{eos}, {frames}");
            assert!(results.iter().flatten().all(|result| &*result.class.label == "green"));
        }
    }
}

#[test]
fn the_last_part_window_is_padded_with_its_own_samples() {
    let mut bench = Bench::new(&model("model.toml"));
    // 5 samples: window 0 is samples 0..4; the open window 1 is samples 2, 3, 4 and 4 again.
    bench.push(&[shot(RED, 6), shot(GREEN, 7)]);
    let (frames, _) = bench.finish();
    let results = results(&frames);
    let last = results[12].unwrap();
    assert_eq!((last.window, &*last.class.label), (1, "green"));
    assert!(last.class.score > 0.999);
}

#[test]
fn an_empty_stream_ends() {
    let (frames, events) = Bench::new(&model("model.toml")).finish();
    assert!(frames.is_empty());
    assert_eq!(events.last().unwrap().type_(), gst::EventType::Eos);
}

#[test]
fn a_window_that_no_frame_carries_is_sent_by_itself() {
    let mut bench = Bench::new(&format!("{} alignment=hold", model("model.toml")));
    bench.push(&[shot(GREEN, 5)]);
    let (frames, events) = bench.finish();
    assert!(results(&frames).iter().all(Option::is_none));
    let windows: Vec<FrameResult> =
        events.iter().filter_map(|event| event.structure()).filter_map(meta::read_window).collect();
    assert_eq!(windows.len(), 1);
    assert_eq!(&*windows[0].class.label, "green");
}

#[test]
fn actions_start_and_stop_in_the_stream_and_on_the_bus() {
    let mut bench = Bench::new(&format!("{} smoothing=0 min-duration=0", model("model.toml")));
    let bus = gst::Bus::new();
    bench.harness.element().unwrap().set_bus(Some(&bus));
    bench.push(&[shot(BLUE, 30), shot(RED, 30), shot(BLUE, 30), shot(GREEN, 30)]);
    let element = bench.harness.element().unwrap();
    let (_, events) = bench.finish();
    let expected = [
        (ActionState::Start, "red".to_owned()),
        (ActionState::Stop, "red".to_owned()),
        (ActionState::Start, "green".to_owned()),
        (ActionState::Stop, "green".to_owned()),
    ];
    assert_eq!(actions(&events), expected);
    let told: Vec<_> = std::iter::from_fn(|| bus.pop_filtered(&[gst::MessageType::Element]))
        .filter_map(|message| meta::read_action(message.structure()?))
        .map(|record| (record.event.state, record.event.class.label.to_string()))
        .collect();
    assert_eq!(told, expected);
    element.set_bus(None);
}

#[test]
fn an_action_starts_and_stops_near_the_cut() {
    let mut bench = Bench::new(&format!("{} smoothing=0 min-duration=0", model("model.toml")));
    bench.push(&[shot(BLUE, 30), shot(RED, 30), shot(BLUE, 30)]);
    let (_, events) = bench.finish();
    let records: Vec<_> =
        events.iter().filter_map(|event| event.structure()).filter_map(meta::read_action).collect();
    let stop = &records[1].event;
    assert!(stop.start.moment.pts.abs_diff(SECOND) <= SECOND / 5, "{stop:?}");
    assert!(stop.end.unwrap().moment.pts.abs_diff(2 * SECOND) <= SECOND / 5, "{stop:?}");
}

#[test]
fn caps_that_change_in_mid_stream_keep_the_window() {
    let mut bench = Bench::new(&model("model.toml"));
    bench.push(&[shot(RED, 5)]);
    bench.size = (64, 48);
    bench.send_caps();
    bench.push(&[shot(RED, 7)]);
    let (frames, events) = bench.finish();
    let results = results(&frames);
    assert_eq!(results.len(), 12);
    assert!(results.iter().all(|result| result.unwrap().window == 0));
    assert_eq!((results[0].unwrap().size.width, results[11].unwrap().size.width), (33, 64));
    assert_eq!(events.iter().filter(|event| event.type_() == gst::EventType::Caps).count(), 2);
}

#[test]
fn a_gap_starts_a_new_grid_and_ends_the_action() {
    let mut bench = Bench::new(&format!("{} smoothing=0 min-duration=0", model("model.toml")));
    bench.push(&[shot(RED, 30)]);
    bench.frame += 300;
    bench.push(&[shot(RED, 30)]);
    let (frames, events) = bench.finish();
    let results = results(&frames);
    assert!(results.iter().all(Option::is_some));
    let after = results[30].unwrap();
    assert_eq!(after.start, 330 * SECOND / 30);
    assert_ne!(results[29].unwrap().tracklets[0].id, after.tracklets[0].id);
    assert_eq!(actions(&events).len(), 4);
}

#[test]
fn a_flush_drops_what_waits_and_starts_anew() {
    let mut bench = Bench::new(&model("model.toml"));
    bench.push(&[shot(RED, 30)]);
    assert!(bench.harness.push_event(gst::event::FlushStart::new()));
    assert!(bench.harness.push_event(gst::event::FlushStop::new(true)));
    while bench.harness.try_pull().is_some() {}
    let segment = gst::FormattedSegment::<gst::ClockTime>::new();
    assert!(bench.harness.push_event(gst::event::Segment::new(&segment)));
    bench.frame = 0;
    bench.push(&[shot(GREEN, 12)]);
    let (frames, _) = bench.finish();
    let results = results(&frames);
    assert_eq!(results.len(), 12);
    assert!(results.iter().all(|result| &*result.unwrap().class.label == "green"));
}

#[test]
fn frames_without_a_time_stamp_pass_and_are_told_of() {
    let mut bench = Bench::new(&model("model.toml"));
    let bus = gst::Bus::new();
    let element = bench.harness.element().unwrap();
    element.set_bus(Some(&bus));
    for _ in 0..3 {
        assert_eq!(bench.harness.push(bench.buffer(RED, None)), Ok(gst::FlowSuccess::Ok));
    }
    let stats = element.property::<gst::Structure>("stats");
    assert_eq!(stats.get::<u64>("unclassified"), Ok(3));
    let (frames, _) = bench.finish();
    assert_eq!(results(&frames), [None, None, None]);
    let warnings = std::iter::from_fn(|| bus.pop_filtered(&[gst::MessageType::Warning])).collect::<Vec<_>>();
    assert_eq!(warnings.len(), 1);
    element.set_bus(None);
}

#[test]
fn latency_is_the_wait_for_the_last_sample_and_a_run_of_the_model() {
    // (4 + 2) / 2 - 1 samples at 10 a second, and half a frame.
    for (alignment, expected) in [("delay", 216), ("hold", 0)] {
        let bench = Bench::new(&format!("{} alignment={alignment}", model("model.toml")));
        let latency = bench.harness.query_latency().unwrap();
        // A run of the tiny model takes microseconds, on a loaded machine some milliseconds.
        assert!((expected..expected + 100).contains(&latency.mseconds()), "{alignment}: {latency}");
        assert!(latency.nseconds() > expected * 1_000_000, "{alignment}: {latency}");
    }
}

#[test]
fn upstream_is_asked_for_the_buffers_that_are_held() {
    let bench = Bench::new(&model("model.toml"));
    let caps = bench.info().to_caps().unwrap();
    let mut query = gst::query::Allocation::new(Some(&caps), true);
    let sink = bench.harness.element().unwrap().static_pad("sink").unwrap();
    assert!(sink.query(&mut query));
    let (_, _, min, max) = query.allocation_pools().next().unwrap();
    // (4 + 2) / 2 samples and a hop more at 10 a second, at 30 frames a second.
    assert!(min >= 15, "{min}");
    assert_eq!(max, 0);
}

#[test]
fn upstream_is_not_offered_to_leave_cropping_to_downstream() {
    let mut bench = Bench::new(&model("model.toml"));
    for api in [gst_video::VideoMeta::meta_api(), gst_video::VideoCropMeta::meta_api()] {
        bench.harness.add_propose_allocation_meta(api, None);
    }
    let caps = bench.info().to_caps().unwrap();
    let mut query = gst::query::Allocation::new(Some(&caps), true);
    assert!(bench.harness.element().unwrap().static_pad("sink").unwrap().query(&mut query));
    assert!(query.find_allocation_meta::<gst_video::VideoMeta>().is_some());
    assert_eq!(query.find_allocation_meta::<gst_video::VideoCropMeta>(), None);
}

#[test]
fn caps_may_leave_out_the_frame_rate() {
    let mut bench = Bench::new(&model("model.toml"));
    let mut caps = bench.info().to_caps().unwrap();
    caps.get_mut().unwrap().structure_mut(0).unwrap().remove_field("framerate");
    assert!(bench.harness.push_event(gst::event::Caps::new(&caps)));
    bench.push(&[shot(RED, 12)]);
    let (frames, _) = bench.finish();
    assert_eq!(results(&frames).iter().flatten().count(), 12);
}

#[test]
fn the_end_of_a_segment_lets_the_last_frames_go() {
    let mut bench = Bench::new(&model("model.toml"));
    bench.push(&[shot(RED, 25)]);
    assert!(bench.harness.push_event(gst::event::SegmentDone::new(gst::ClockTime::SECOND)));
    for frame in 0..25 {
        let buffer = bench.harness.pull().unwrap();
        assert!(meta::read(&buffer).is_some(), "frame {frame}");
    }
}

#[test]
fn a_model_that_cannot_be_loaded_fails_the_state_change_with_one_message() {
    common::init();
    let missing = fixture("gone.toml");
    for (property, word) in [(None, "model"), (Some(missing.to_str().unwrap()), "gone.toml")] {
        let element = gst::ElementFactory::make("artclassify").build().unwrap();
        element.set_property("model", property);
        let bus = gst::Bus::new();
        element.set_bus(Some(&bus));
        assert!(element.set_state(gst::State::Paused).is_err());
        let errors: Vec<_> = std::iter::from_fn(|| bus.pop_filtered(&[gst::MessageType::Error])).collect();
        assert_eq!(errors.len(), 1);
        let gst::MessageView::Error(error) = errors[0].view() else { panic!("no error") };
        assert!(error.error().to_string().contains(word), "{}", error.error());
        element.set_bus(None);
        element.set_state(gst::State::Null).unwrap();
    }
}

#[test]
fn background_is_no_action_of_a_model_that_scores_each_class_for_itself() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = std::fs::read_to_string(fixture("clip.toml")).unwrap();
    let (plain, own) = ("name = \"logits\"", "name = \"logits\", activation = \"sigmoid\"");
    assert!(manifest.contains(plain));
    let path = folder.path().join("clip.toml");
    std::fs::write(&path, manifest.replace(plain, own)).unwrap();
    std::fs::copy(fixture("clip.onnx"), folder.path().join("clip.onnx")).unwrap();
    let mut bench = Bench::new(&format!("model={} smoothing=0", path.display()));
    bench.push(&[shot(BLUE, 60), shot(RED, 60), shot(BLUE, 60)]);
    let (_, events) = bench.finish();
    let expected = [ActionState::Start, ActionState::Stop].map(|state| (state, "red".to_owned()));
    assert_eq!(actions(&events), expected);
}

#[test]
fn at_the_end_of_the_stream_an_action_is_as_long_as_its_frames() {
    // The default of min-duration is as long as twelve frames.
    for (properties, shots, expected) in [
        ("hop=2", vec![shot(RED, 12)], 2),
        ("hop=2", vec![shot(RED, 11)], 0),
        ("hop=4", vec![shot(BLUE, 60), shot(RED, 1)], 0),
    ] {
        let mut bench = Bench::new(&format!("{} smoothing=0 {properties}", model("clip.toml")));
        bench.push(&shots);
        let (_, events) = bench.finish();
        assert_eq!(actions(&events).len(), expected, "{properties}");
    }
}

#[test]
fn states_can_be_cycled_while_frames_come() {
    common::init();
    let pipeline = gst::parse::launch(&format!(
        "videotestsrc ! video/x-raw,format=I420,width=64,height=48,framerate=30/1 ! artclassify {} ! fakesink",
        model("model.toml")
    ))
    .unwrap();
    for _ in 0..20 {
        pipeline.set_state(gst::State::Playing).unwrap();
        let (change, _, _) = pipeline.state(gst::ClockTime::from_seconds(20));
        assert!(change.is_ok());
        pipeline.set_state(gst::State::Null).unwrap();
    }
}

#[test]
fn defaults_are_what_they_are_declared_to_be() {
    common::init();
    let element = gst::ElementFactory::make("artclassify").build().unwrap();
    for property in element.list_properties() {
        if property.owner_type() == element.type_() && property.name() != "stats" {
            let value = element.property_value(property.name());
            assert_eq!(
                format!("{value:?}"),
                format!("{:?}", property.default_value()),
                "{}",
                property.name()
            );
        }
    }
}
