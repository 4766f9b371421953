//! A recording carries its labels: what muxers and subtitle parsers make of the text of `artmetaenc`.

#![allow(clippy::unwrap_used)] // The exemption for tests does not reach their helpers.

mod common;

use std::path::Path;

use common::bench::fixture;
use gst::prelude::*;

/// Text with PTS and duration, in milliseconds.
type Timed = (String, u64, u64);

/// Two actions with background between them, made by each of the sources on its own.
const SOURCES: [(&str, u64); 3] = [("red", 60), ("blue", 45), ("green", 75)];

fn play(description: &str) -> gst::Pipeline {
    common::init();
    let pipeline = gst::parse::launch(description).unwrap().downcast::<gst::Pipeline>().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    pipeline
}

fn wait_for_end(pipeline: &gst::Pipeline) {
    let end = pipeline.bus().unwrap().timed_pop_filtered(
        gst::ClockTime::from_seconds(60),
        &[gst::MessageType::Eos, gst::MessageType::Error],
    );
    pipeline.set_state(gst::State::Null).unwrap();
    let end = end.expect("the pipeline ends");
    assert_eq!(end.type_(), gst::MessageType::Eos, "{end:?}");
}

/// Records the video with its cues as a track in `to`, and the same cues as a file beside it.
fn record(muxer: &str, cues: &str, to: &Path) {
    let caps = "video/x-raw,width=64,height=64,framerate=30/1";
    let sources = SOURCES.map(|(pattern, frames)| {
        format!("videotestsrc num-buffers={frames} pattern={pattern} ! {caps} ! queue ! c.")
    });
    wait_for_end(&play(&format!(
        "concat name=c ! artclassify model={model} ! tee name=t \
         t. ! videoconvert ! x264enc ! queue ! {muxer} name=m ! filesink location={to} \
         t. ! artmetaenc format=webvtt cues={cues} ! queue max-size-time=0 ! m. \
         t. ! artmetaenc format=webvtt cues={cues} ! queue max-size-time=0 ! filesink location={to}.vtt {sources}",
        model = fixture("model.toml").display(),
        to = to.display(),
        sources = sources.join(" "),
    )));
}

/// What a demuxer or parser makes of a file.
fn read(file: &str, reader: &str) -> Vec<Timed> {
    let pipeline = play(&format!("filesrc location={file} ! {reader} ! appsink name=sink sync=false"));
    let sink = pipeline.by_name("sink").unwrap().downcast::<gst_app::AppSink>().unwrap();
    let read = std::iter::from_fn(|| sink.pull_sample().ok())
        .map(|sample| {
            let buffer = sample.buffer().unwrap();
            let text = String::from_utf8(common::bytes(buffer)).unwrap();
            (text, rounded(buffer.pts().unwrap()), rounded(buffer.duration().unwrap()))
        })
        .collect();
    wait_for_end(&pipeline);
    read
}

/// Milliseconds; muxers round to them, or to parts of them.
fn rounded(time: gst::ClockTime) -> u64 {
    (time.nseconds() + 500_000) / 1_000_000
}

fn timed((text, start, end): (&str, u64, u64)) -> Timed {
    (text.to_owned(), start, end - start)
}

/// Two lists of texts are the same, with times to a millisecond.
fn assert_same(found: &[Timed], expected: &[Timed], what: &str) {
    let close = |(a, b): (&Timed, &Timed)| a.0 == b.0 && a.1.abs_diff(b.1) <= 1 && a.2.abs_diff(b.2) <= 1;
    assert!(found.len() == expected.len() && found.iter().zip(expected).all(close), "{what}: {found:?}");
}

/// Windows of 400 ms, 200 ms apart, from `start` on; the last one ends at `end`.
fn windows(label: &str, start: u64, end: u64) -> Vec<Timed> {
    let meetings = (start + 300..end - 200).step_by(200);
    let from: Vec<u64> = std::iter::once(start).chain(meetings).collect();
    let to = from[1..].iter().copied().chain([end]);
    from.iter().zip(to).map(|(&from, to)| timed((label, from, to))).collect()
}

#[test]
fn the_text_track_of_a_recording_is_the_file_beside_it() {
    for (muxer, reader) in [
        ("matroskamux", "matroskademux name=d d.subtitle_0"),
        ("qtmux", "qtdemux name=d d.subtitle_0"),
        ("mp4mux", "qtdemux name=d d.subtitle_0"),
    ] {
        for cues in ["actions", "chapters", "windows"] {
            let what = format!("{muxer} {cues}");
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("recording");
            record(muxer, cues, &file);
            let track = read(&file.display().to_string(), &format!("{reader} ! text/x-raw"));
            let beside = read(&format!("{}.vtt", file.display()), "subparse");
            assert_same(&track, &beside, &what);
            match cues {
                "actions" => {
                    let expected = [("red 100 %", 0, 2000), ("green 100 %", 3500, 6000)].map(timed);
                    assert_same(&track, &expected, &what);
                }
                "chapters" => {
                    let expected = [("red", 0, 2000), ("green", 3500, 6000)].map(timed);
                    assert_same(&track, &expected, &what);
                }
                _ => {
                    let red = windows("red 100 %", 0, 2000);
                    assert_same(&track[..red.len()], &red, &what);
                    assert_eq!(track[red.len()].1, 3500, "{what}: green starts with its source");
                    let meet = |pair: &[Timed]| pair[0].1 + pair[0].2 == pair[1].1;
                    assert!(track[red.len()..].windows(2).all(meet), "{what}: {track:?}");
                }
            }
        }
    }
}
