//! `artgate`: clips out of encoded streams, with what comes along with the frames, and audio beside them.

#![allow(clippy::unwrap_used)] // The exemption for tests does not reach their helpers.

mod common;

use std::time::Duration;

use common::{MS, class, init};
use gst::prelude::*;
use gstartclassify::{
    action::{ActionEvent, ActionState, Dated, Moment},
    gate::{Clip, Told},
    meta,
};

/// Time from frame to frame.
const FRAME: u64 = 100;
/// Frames from keyframe to keyframe.
const GROUP: u64 = 5;

/// An element with rolls of 300 ms and a lag of half a second.
const GATE: &str = "artgate name=gate pre-roll=300000000 post-roll=300000000 max-lag=500000000";

fn harness(properties: &str) -> gst_check::Harness {
    init();
    let mut harness = gst_check::Harness::new_parse(&format!("{GATE} {properties}"));
    harness.set_src_caps_str("video/x-fake");
    harness
}

/// The messages of an element from now on.
fn listen(harness: &gst_check::Harness) -> gst::Bus {
    let bus = gst::Bus::new();
    harness.element().unwrap().set_bus(Some(&bus));
    bus
}

/// The clips that were told of: state, start and end in milliseconds of running time, numbers of actions.
fn told(bus: &gst::Bus) -> Vec<(String, u64, Option<u64>, Vec<u64>)> {
    let messages = std::iter::from_fn(|| bus.pop_filtered(&[gst::MessageType::Element]));
    let clips = messages.filter_map(|message| {
        let s = message.structure().filter(|s| s.name() == "artgate-clip")?;
        let time = |name| s.get::<u64>(name).ok().map(|time| time / MS);
        let actions = s.get::<gst::Array>("actions").unwrap();
        let actions = actions.iter().map(|value| value.get().unwrap()).collect();
        Some((
            s.get("state").unwrap(),
            time("start-running-time").unwrap(),
            time("end-running-time"),
            actions,
        ))
    });
    clips.collect()
}

/// The property `stats` of the element.
fn stats(harness: &gst_check::Harness) -> gst::Structure {
    let bin = harness.element().unwrap().downcast::<gst::Bin>().unwrap();
    bin.by_name("gate").unwrap().property("stats")
}

fn frame(ms: u64, size: usize) -> gst::Buffer {
    let mut buffer = gst::Buffer::from_mut_slice(vec![0; size]);
    let writable = buffer.get_mut().unwrap();
    writable.set_pts(gst::ClockTime::from_mseconds(ms));
    writable.set_duration(gst::ClockTime::from_mseconds(FRAME));
    if !(ms / FRAME).is_multiple_of(GROUP) {
        writable.set_flags(gst::BufferFlags::DELTA_UNIT);
    }
    buffer
}

fn push(harness: &mut gst_check::Harness, from_ms: u64, to_ms: u64) {
    for ms in (from_ms..to_ms).step_by(FRAME as usize) {
        harness.push(frame(ms, 10)).unwrap();
    }
}

/// What is told of an action, in milliseconds of running time.
fn action(number: u64, label: &str, start: u64, end: Option<u64>) -> gst::Event {
    let moment = |ms: u64| Dated::unknown(Moment { pts: 77 * MS, running_time: ms * MS });
    let event = ActionEvent {
        state: if end.is_some() { ActionState::Stop } else { ActionState::Start },
        action: number,
        object: None,
        class: class(label, 7, 0.9),
        start: moment(start),
        end: end.map(moment),
    };
    gst::event::CustomDownstream::new(meta::action_structure(&event, "test-model"))
}

/// PTS of what comes out, in milliseconds, once so many have come.
fn pulled(harness: &mut gst_check::Harness, count: usize) -> Vec<u64> {
    (0..count).map(|_| harness.pull().unwrap().pts().unwrap().mseconds()).collect()
}

fn millis(range: std::ops::Range<u64>) -> Vec<u64> {
    range.step_by(FRAME as usize).collect()
}

#[test]
fn defaults_are_real() {
    init();
    let element = gst::ElementFactory::make("artgate").build().unwrap();
    for pspec in element.list_properties() {
        if !matches!(pspec.name(), "name" | "parent" | "stats") {
            let real = element.property_value(pspec.name());
            assert_eq!(format!("{:?}", pspec.default_value()), format!("{real:?}"), "{}", pspec.name());
        }
    }
}

#[test]
fn an_action_passes_from_its_keyframe_on() {
    let mut h = harness("");
    let bus = listen(&h);
    push(&mut h, 0, 1200);
    h.push_event(action(4, "pike", 1000, None));
    push(&mut h, 1200, 1500);
    h.push_event(action(4, "pike", 1000, Some(1400)));
    push(&mut h, 1500, 4000);
    assert_eq!(pulled(&mut h, 13), millis(500..1800));
    h.push_event(gst::event::Eos::new());
    assert!(all_until_eos(&mut h).is_empty());
    let clips = [("start".into(), 500, None, vec![4]), ("stop".into(), 500, Some(1800), vec![4])];
    assert_eq!(told(&bus), clips);
    let stats = stats(&h);
    assert_eq!((stats.get("clips"), stats.get("actions")), (Ok(1u64), Ok(1u64)));
    assert_eq!((stats.get("passed"), stats.get("shortened")), (Ok(13u64), Ok(0u64)));
}

#[test]
fn the_first_frame_of_a_clip_says_that_others_are_missing() {
    let mut h = harness("decide=start");
    push(&mut h, 0, 1000);
    h.push_event(action(0, "pike", 900, None));
    push(&mut h, 1000, 1300);
    assert_eq!(h.buffers_in_queue(), 0, "an action may be told of that began before");
    push(&mut h, 1300, 1400);
    let is_discont = |buffer: gst::Buffer| buffer.flags().contains(gst::BufferFlags::DISCONT);
    assert_eq!((is_discont(h.pull().unwrap()), is_discont(h.pull().unwrap())), (true, false));
    assert_eq!(pulled(&mut h, 7), millis(700..1400), "it leaves before it stops");
}

#[test]
fn caps_that_come_with_frames_that_are_dropped_arrive_before_the_next_frame() {
    let mut h = harness("decide=start");
    push(&mut h, 0, 500);
    h.set_src_caps_str("video/x-fake,version=2");
    push(&mut h, 500, 5000);
    h.push_event(action(0, "pike", 4900, None));
    push(&mut h, 5000, 5400);
    h.pull().unwrap();
    let caps = h.sinkpad().unwrap().current_caps().unwrap();
    assert_eq!(caps.structure(0).unwrap().get("version"), Ok(2));
}

#[test]
fn actions_are_found_by_running_time() {
    let mut h = harness("decide=start");
    let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
    segment.set_start(gst::ClockTime::from_seconds(3600));
    segment.set_base(gst::ClockTime::from_mseconds(10_000));
    h.push_event(gst::event::Segment::new(&segment));
    push(&mut h, 3_600_000, 3_601_000);
    h.push_event(action(0, "pike", 10_900, Some(10_950)));
    push(&mut h, 3_601_000, 3_602_000);
    assert_eq!(pulled(&mut h, 8), millis(3_600_500..3_601_300));
}

#[test]
fn labels_and_scores_are_filtered() {
    let mut h = harness("labels=Back*;tuck min-score=0.5");
    let bus = listen(&h);
    for (number, label) in ["Inward", "Back+1", "tuck", "tucked"].into_iter().enumerate() {
        let start = 3000 * (number as u64 + 1);
        h.push_event(action(number as u64, label, start, None));
        h.push_event(action(number as u64, label, start, Some(start + 100)));
    }
    push(&mut h, 0, 20_000);
    h.push_event(gst::event::Eos::new());
    let buffers = pulled(&mut h, 20);
    assert_eq!(buffers, [millis(5500..6500), millis(8500..9500)].concat());
    h.pull_until_eos().unwrap();
    let numbers: Vec<_> = told(&bus).into_iter().map(|(_, _, _, actions)| actions).collect();
    assert_eq!(numbers, [[1], [1], [2], [2]]);
}

#[test]
fn an_action_under_way_at_the_end_is_a_whole_clip() {
    let mut h = harness("");
    let bus = listen(&h);
    push(&mut h, 0, 2000);
    h.push_event(action(0, "pike", 1500, None));
    push(&mut h, 2000, 2300);
    h.push_event(gst::event::Eos::new());
    assert_eq!(pulled(&mut h, 13), millis(1000..2300));
    h.pull_until_eos().unwrap();
    assert_eq!(told(&bus).last().unwrap().2, Some(2300));
}

#[test]
fn a_flush_drops_what_waits_and_ends_the_clip() {
    let mut h = harness("decide=start");
    let bus = listen(&h);
    push(&mut h, 0, 1000);
    h.push_event(action(0, "pike", 900, None));
    push(&mut h, 1000, 1500);
    assert_eq!(pulled(&mut h, 10), millis(500..1500));
    h.push_event(gst::event::FlushStart::new());
    h.push_event(gst::event::FlushStop::new(true));
    let clips = [("start".into(), 500, None, vec![0]), ("stop".into(), 500, Some(1500), vec![0])];
    assert_eq!(told(&bus), clips);
    h.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
    push(&mut h, 0, 1000);
    h.push_event(action(0, "pike", 400, Some(500)));
    assert_eq!(pulled(&mut h, 9), millis(0..900), "running time begins anew");
}

/// An element with audio, which decides at once.
fn element_with_audio(properties: &[(&str, &str)]) -> gst::Element {
    init();
    let element = gst::ElementFactory::make("artgate").name("gate").build().unwrap();
    let at_once = [("pre-roll", "0"), ("post-roll", "0"), ("max-lag", "0"), ("decide", "start")];
    let properties = at_once.iter().chain(properties);
    properties.for_each(|(name, value)| element.set_property_from_str(name, value));
    element.request_pad_simple("audio_0").unwrap();
    element
}

/// The video of an element.
fn video_of(element: &gst::Element) -> gst_check::Harness {
    let mut harness = gst_check::Harness::with_element(element, Some("sink"), Some("src"));
    harness.set_src_caps_str("video/x-fake");
    harness
}

/// The video and the audio of an element.
fn lanes(properties: &[(&str, &str)]) -> [gst_check::Harness; 2] {
    let element = element_with_audio(properties);
    let video = video_of(&element);
    let mut audio = gst_check::Harness::with_element(&element, Some("audio_0"), Some("audio_src_0"));
    audio.set_src_caps_str("audio/x-fake");
    [video, audio]
}

/// The flush of a seek, without the segment behind it.
fn flush(harness: &mut gst_check::Harness, seqnum: gst::Seqnum) {
    harness.push_event(gst::event::FlushStart::builder().seqnum(seqnum).build());
    harness.push_event(gst::event::FlushStop::builder(true).seqnum(seqnum).build());
}

/// A segment from 0 on, with what a seek marks it by.
fn segment(seqnum: gst::Seqnum) -> gst::Event {
    let segment = gst::FormattedSegment::<gst::ClockTime>::new();
    gst::event::Segment::builder(&segment).seqnum(seqnum).build()
}

/// What describes the stream that leaves: its caps and its title.
fn described(harness: &gst_check::Harness) -> (String, Option<String>) {
    let pad = harness.sinkpad().unwrap();
    let tags = pad.sticky_event::<gst::event::Tag>(0);
    let title =
        tags.and_then(|tags| tags.tag().get::<gst::tags::Title>().map(|title| title.get().to_owned()));
    (pad.current_caps().unwrap().to_string(), title)
}

fn titled(title: &str) -> gst::Event {
    let mut tags = gst::TagList::new();
    tags.get_mut().unwrap().add::<gst::tags::Title>(&title, gst::TagMergeMode::Append);
    gst::event::Tag::new(tags)
}

#[test]
fn what_describes_the_stream_outlasts_a_flush() {
    let [mut video, mut audio] = lanes(&[("max-lag", "5000000000")]);
    for (h, media) in [(&mut video, "video"), (&mut audio, "audio")] {
        push(h, 0, 1000);
        h.set_src_caps_str(&format!("{media}/x-fake,version=2"));
        push(h, 1000, 1500);
        h.push_event(titled(media));
        let seqnum = gst::Seqnum::next();
        flush(h, seqnum);
        h.push_event(segment(seqnum));
    }
    video.push_event(action(0, "pike", 0, Some(100)));
    push(&mut audio, 0, 1000);
    push(&mut video, 0, 10_000);
    for (h, media) in [(&mut video, "video"), (&mut audio, "audio")] {
        h.pull().unwrap();
        let caps = format!("{media}/x-fake, version=(int)2");
        assert_eq!(described(h), (caps, Some(media.to_owned())));
    }
}

/// PTS of all that comes until the end, in milliseconds.
fn all_until_eos(harness: &mut gst_check::Harness) -> Vec<u64> {
    while harness.pull_event().unwrap().type_() != gst::EventType::Eos {}
    std::iter::from_fn(|| harness.try_pull()).map(|buffer| buffer.pts().unwrap().mseconds()).collect()
}

#[test]
fn audio_goes_by_the_video_of_its_own_seek() {
    for audio_first in [false, true] {
        let [mut video, mut audio] = lanes(&[]);
        for h in [&mut video, &mut audio] {
            push(h, 0, 3000);
            h.push_event(gst::event::Eos::new());
            assert!(all_until_eos(h).is_empty());
        }
        let seqnum = gst::Seqnum::next();
        for is_audio in [audio_first, !audio_first] {
            let h = if is_audio { &mut audio } else { &mut video };
            flush(h, seqnum);
            h.push_event(segment(seqnum));
            if !is_audio {
                h.push_event(action(0, "pike", 500, Some(900)));
            }
            push(h, 0, 2000);
        }
        for h in [&mut video, &mut audio] {
            h.push_event(gst::event::Eos::new());
            assert_eq!(all_until_eos(h), millis(500..1000), "{audio_first}");
        }
    }
}

#[test]
fn audio_that_is_flushed_alone_waits_for_max_size_time_of_video() {
    let [mut video, mut audio] = lanes(&[("max-size-time", "1000000000")]);
    let flush_audio = |h: &mut gst_check::Harness| {
        let seqnum = gst::Seqnum::next();
        flush(h, seqnum);
        h.push_event(segment(seqnum));
        push(h, 0, 1000);
    };
    video.push_event(action(0, "pike", 0, Some(200)));
    push(&mut video, 0, 3000);
    flush_audio(&mut audio);
    push(&mut video, 3000, 3500);
    assert!(audio.try_pull().is_none());
    push(&mut video, 3500, 5000);
    assert_eq!(pulled(&mut audio, 3), millis(0..300));
    video.push_event(gst::event::Eos::new());
    flush_audio(&mut audio);
    audio.push_event(gst::event::Eos::new());
    assert_eq!(all_until_eos(&mut audio), millis(0..300), "both have ended");
}

#[test]
fn latency_is_what_a_frame_may_wait() {
    for (properties, own) in [("", 60_000), ("decide=start", 800)] {
        let mut h = harness(properties);
        h.set_upstream_latency(gst::ClockTime::from_mseconds(20));
        assert_eq!(h.query_latency(), Some(gst::ClockTime::from_mseconds(20 + own)), "{properties}");
    }
}

#[test]
fn latency_without_a_bound_is_as_much_as_can_be_told() {
    let most = gst::ClockTime::from_nseconds(i64::MAX as u64);
    for bounds in [[u64::MAX, 1, 1], [u64::MAX - 1, 1, 1], [u64::MAX, u64::MAX / 2, u64::MAX / 2]] {
        for decide in ["stop", "start"] {
            let [time, pre_roll, lag] = bounds;
            let is_bound = decide == "start" && pre_roll == 1;
            let own = if is_bound { gst::ClockTime::from_nseconds(2) } else { most };
            let mut h =
                harness(&format!("decide={decide} max-size-time={time} pre-roll={pre_roll} max-lag={lag}"));
            let upstream = gst::ClockTime::from_mseconds(20);
            h.set_upstream_latency(upstream);
            assert_eq!(h.query_latency(), Some(upstream + own), "{decide} {bounds:?}");
            h.set_upstream_latency(gst::ClockTime::MAX);
            assert_eq!(h.query_latency(), Some(gst::ClockTime::MAX));
        }
    }
}

#[test]
fn properties_that_contradict_each_other_are_told() {
    init();
    let element = gst::ElementFactory::make("artgate").property("max-size-time", 8_000_000_000u64).build();
    let (element, bus) = (element.unwrap(), gst::Bus::new());
    element.set_bus(Some(&bus));
    assert!(element.set_state(gst::State::Paused).is_err());
    let message = bus.pop_filtered(&[gst::MessageType::Error]).unwrap();
    let gst::MessageView::Error(error) = message.view() else { panic!("{message:?}") };
    let text = error.error().to_string();
    assert!(text.contains("max-size-time: found 8000000000 ns") && text.contains("pre-roll"), "{text}");
    element.set_state(gst::State::Null).unwrap();
}

#[test]
fn frames_for_which_there_is_no_room_are_warned_of_once() {
    let mut h = harness("max-size-bytes=100");
    let bus = listen(&h);
    push(&mut h, 0, 5000);
    h.push_event(action(0, "pike", 3000, Some(4800)));
    push(&mut h, 5000, 6000);
    h.push_event(gst::event::Eos::new());
    h.pull_until_eos().unwrap();
    let stats = stats(&h);
    assert!(stats.get::<u64>("crowded").unwrap() > 0, "{stats}");
    assert_eq!(stats.get("shortened"), Ok(1u64));
    let warnings = std::iter::from_fn(|| bus.pop_filtered(&[gst::MessageType::Warning]));
    assert_eq!(warnings.count(), 2, "one for the room, one for the clip that is short");
}

#[test]
fn a_segment_in_bytes_is_refused() {
    let mut h = harness("");
    let bus = listen(&h);
    h.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::format::Bytes>::new()));
    assert!(bus.pop_filtered(&[gst::MessageType::Error]).is_some());
}

/// Frames and audio out of two sources, what comes out beside each other, in milliseconds.
#[test]
fn audio_passes_where_the_video_does() {
    init();
    let line = format!(
        "appsrc name=video format=time ! {GATE} ! appsink name=pictures sync=false \
         appsrc name=audio format=time ! gate.audio_0 gate.audio_src_0 ! appsink name=sound sync=false"
    );
    let pipeline = gst::parse::launch(&line).unwrap().downcast::<gst::Pipeline>().unwrap();
    let by_name = |name: &str| pipeline.by_name(name).unwrap();
    let [video, audio] = ["video", "audio"].map(|name| by_name(name).downcast::<gst_app::AppSrc>().unwrap());
    let [pictures, sound] =
        ["pictures", "sound"].map(|name| by_name(name).downcast::<gst_app::AppSink>().unwrap());
    pipeline.set_state(gst::State::Playing).unwrap();
    // The audio is all there long before the video.
    for ms in (0..6000).step_by(20) {
        let mut buffer = gst::Buffer::from_mut_slice(vec![0; 4]);
        buffer.get_mut().unwrap().set_pts(gst::ClockTime::from_mseconds(ms));
        audio.push_buffer(buffer).unwrap();
    }
    audio.end_of_stream().unwrap();
    for ms in (0..6000).step_by(FRAME as usize) {
        if ms == 1500 || ms == 4500 {
            assert!(video.send_event(action(ms, "pike", ms - 100, Some(ms))));
        }
        video.push_buffer(frame(ms, 10)).unwrap();
    }
    video.end_of_stream().unwrap();
    let all = |sink: &gst_app::AppSink| {
        let samples = std::iter::from_fn(|| sink.pull_sample().ok());
        samples.map(|sample| sample.buffer().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (pictures, sound) = (all(&pictures), all(&sound));
    let times =
        |buffers: &[gst::Buffer]| buffers.iter().map(|b| b.pts().unwrap().mseconds()).collect::<Vec<_>>();
    assert_eq!(times(&pictures), [millis(1000..1900), millis(4000..4900)].concat());
    let heard: Vec<u64> = (1000..1900).step_by(20).chain((4000..4900).step_by(20)).collect();
    assert_eq!(times(&sound), heard);
    let breaks = |buffers: &[gst::Buffer]| {
        let marked = buffers.iter().filter(|buffer| buffer.flags().contains(gst::BufferFlags::DISCONT));
        marked.map(|buffer| buffer.pts().unwrap().mseconds()).collect::<Vec<_>>()
    };
    assert_eq!((breaks(&pictures), breaks(&sound)), (vec![1000, 4000], vec![1000, 4000]));
    pipeline.set_state(gst::State::Null).unwrap();
}

#[test]
fn audio_pads_come_and_go_in_pairs() {
    init();
    let element = gst::ElementFactory::make("artgate").build().unwrap();
    let pads = ["audio_%u", "audio_3", "audio_%u"].map(|name| element.request_pad_simple(name).unwrap());
    assert_eq!(pads.each_ref().map(|pad| pad.name()), ["audio_0", "audio_3", "audio_1"]);
    assert!(element.static_pad("audio_src_3").is_some());
    element.release_request_pad(&pads[1]);
    assert!(element.static_pad("audio_src_3").is_none() && element.static_pad("audio_src_0").is_some());
}

#[test]
fn an_audio_pad_goes_though_upstream_waits_for_room_and_downstream_blocks() {
    let element = element_with_audio(&[("max-size-bytes", "20")]);
    let mut video = video_of(&element);
    let pad = element.static_pad("audio_0").unwrap();
    let src = element.static_pad("audio_src_0").unwrap();
    src.add_probe(gst::PadProbeType::BLOCK_DOWNSTREAM, |_, _| gst::PadProbeReturn::Ok).unwrap();
    video.push_event(action(0, "pike", 0, None));
    push(&mut video, 0, 2000);
    let (tick, ticks) = std::sync::mpsc::channel();
    let audio = pad.clone();
    let feeder = std::thread::spawn(move || {
        audio.send_event(gst::event::StreamStart::new("audio"));
        audio.send_event(segment(gst::Seqnum::next()));
        let mut flows = (0..10).map(|number| {
            let flow = audio.chain(frame(number * FRAME, 10));
            tick.send(()).unwrap();
            flow
        });
        flows.find_map(Result::err)
    });
    while ticks.recv_timeout(Duration::from_millis(300)).is_ok() {}
    assert!(!feeder.is_finished(), "there is room for all");
    let (done, released) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        element.release_request_pad(&pad);
        done.send(element.static_pad("audio_src_0").is_none()).unwrap();
    });
    assert_eq!(released.recv_timeout(Duration::from_secs(10)), Ok(true));
    assert_eq!(feeder.join().unwrap(), Some(gst::FlowError::Flushing));
}

#[test]
fn a_message_says_what_is_known_of_a_clip() {
    init();
    let told = |action, label: &str| Told {
        model: "test-model".into(),
        action,
        object: None,
        label: label.into(),
        score: 0.5,
        start: 10,
        end: Some(20),
    };
    let actions = vec![told(3, "pike"), told(4, "tuck")];
    let clip = Clip { number: 1, start: 5, decode: 5, end: 30, actions };
    let text = meta::clip_structure(meta::ClipState::Stop, &clip).to_string();
    assert_eq!(
        text,
        "artgate-clip, state=(string)stop, clip=(guint64)1, actions=(guint64)< 3, 4 >, labels=(string)< pike, tuck >, \
         scores=(double)< 0.5, 0.5 >, start-running-time=(guint64)5, end-running-time=(guint64)30;"
    );
}
