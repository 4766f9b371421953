//! A recording carries its labels: what muxers and subtitle parsers make of the text of `artmetaenc`.

#![allow(clippy::unwrap_used)] // The exemption for tests does not reach their helpers.

mod common;

use std::path::Path;

use common::bench::fixture;
use gst::prelude::*;

/// Text with PTS and duration, in milliseconds.
type Timed = (String, u64, u64);

/// Two actions with background between them: colours, and for how many frames.
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

/// For muxers that wait for the next cue before they go on with the pictures.
const ENDLESS: &str = "queue max-size-time=0 max-size-bytes=0 max-size-buffers=0";

/// Records the video with its cues as a track in `to`, and the same cues as a file beside it; `queue` is before the
/// muxer.
fn record(muxer: &str, queue: &str, cues: &str, to: &Path) {
    let caps = "video/x-raw,width=64,height=64,framerate=30/1";
    let sources = SOURCES.map(|(pattern, frames)| {
        format!("videotestsrc num-buffers={frames} pattern={pattern} ! {caps} ! queue ! c.")
    });
    wait_for_end(&play(&format!(
        "concat name=c ! identity single-segment=true ! artclassify model={model} ! tee name=t \
         t. ! videoconvert ! x264enc ! {queue} ! {muxer} name=m ! filesink location={to} \
         t. ! artmetaenc format=webvtt cues={cues} ! queue max-size-time=0 ! m. \
         t. ! artmetaenc format=webvtt cues={cues} ! queue max-size-time=0 ! filesink location={to}.vtt {sources}",
        model = fixture("model.toml").display(),
        to = to.display(),
        sources = sources.join(" "),
    )));
}

/// From here on matroskamux writes an empty text for each GAP event.
const NEWER: (u32, u32, u32, u32) = (1, 23, 0, 0);

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

#[test]
fn the_text_track_of_a_recording_is_the_file_beside_it() {
    for (muxer, queue, reader) in [
        ("matroskamux", "queue", "matroskademux name=d d.subtitle_0"),
        ("qtmux", ENDLESS, "qtdemux name=d d.subtitle_0"),
        ("mp4mux", ENDLESS, "qtdemux name=d d.subtitle_0"),
    ] {
        for cues in ["actions", "chapters", "windows"] {
            let what = format!("{muxer} {cues}");
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("recording");
            record(muxer, queue, cues, &file);
            let mut track = read(&file.display().to_string(), &format!("{reader} ! text/x-raw"));
            if muxer == "matroskamux" && gst::version() >= NEWER {
                track.retain(|(text, ..)| !text.is_empty());
            }
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
                    // Each source is a stream, whose windows begin anew.
                    let green = track.iter().position(|(text, ..)| text == "green 100 %").unwrap();
                    assert_eq!((track[0].1, track[green].1), (0, 3500), "{what}: {track:?}");
                    let meet = |pair: &[Timed]| pair[0].1 + pair[0].2 == pair[1].1;
                    assert!(track[..green].windows(2).all(meet), "{what}: {track:?}");
                    assert!(track[green..].windows(2).all(meet), "{what}: {track:?}");
                    assert!(track.last().unwrap().1 >= 5700, "{what}: the last window is there");
                }
            }
        }
    }
}
