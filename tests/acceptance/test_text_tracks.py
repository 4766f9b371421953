"""FFmpeg reads the text track of a recording, and it says what the WebVTT file beside it says."""

from pathlib import Path

import av
import pytest
import webvtt

from .launch import classify_shots

# A muxer of MP4 writes no picture later than a cue before it has the next one.
ENDLESS = "queue max-size-time=0 max-size-bytes=0 max-size-buffers=0"
ENCODER = "videoconvert ! x264enc speed-preset=ultrafast key-int-max=30 ! h264parse"
LENGTH_PREFIX = 2  # bytes before each text in MP4


def texts(file: Path) -> list[str]:
    """The texts of the one text track, in order."""
    with av.open(file) as recording:
        (track,) = recording.streams.subtitles
        packets = [bytes(packet) for packet in recording.demux(track) if packet.size]
        prefix = LENGTH_PREFIX if track.codec_context.name == "mov_text" else 0
    return [text for packet in packets if (text := packet[prefix:].decode())]


def record(muxer: str, queue: str, to: Path) -> list[str]:
    """Records pictures and cues, and tells the texts of the file beside them."""
    beside = to.with_suffix(".vtt")
    cues = "artmetaenc format=webvtt cues=windows ! queue max-size-time=0"
    classify_shots(
        f"t. ! {ENCODER} ! {queue} ! {muxer} name=m ! filesink location={to} "
        f"t. ! {cues} ! m. t. ! {cues} ! filesink location={beside}"
    )
    return [cue.text for cue in webvtt.read(beside)]


@pytest.mark.parametrize(
    ("muxer", "queue"), [("matroskamux", "queue"), ("mp4mux", ENDLESS), ("qtmux", ENDLESS)]
)
def test_the_track_of_a_recording(muxer: str, queue: str, tmp_path: Path) -> None:
    """It has every cue."""
    file = tmp_path / "recording"
    told = record(muxer, queue, file)
    assert told and texts(file) == told
