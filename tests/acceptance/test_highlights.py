"""Clips of actions: each action in exactly one, which players show, picture and sound in step."""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from .launch import COLOURS, MODEL, ROOT, STREAM, launch_well, lines, run

FPS = 30
SECOND = 1_000_000_000
# What pipelines/highlights.sh asks for, in frames.
PRE_ROLL, POST_ROLL, GROUP = 30, 15, 30
LEAST_PSNR = 30.0

# The stream out of colours: the tiny model takes red for an action and blue for background.
SIZE = (64, 48)
COUNT = 600
RED = ((150, 210), (330, 375), (480, 540))
SOURCE = "rawvideoparse format=rgb width=64 height=48 framerate=30/1"
GATE = "artgate name=g pre-roll=500000000 post-roll=200000000 max-lag=1000000000"
BARS, BAR, TOP = 10, 6, 40
RATE = 8000


def frames(video: Path, size: tuple[int, int]) -> np.ndarray:
    """All pictures of a file as ffmpeg decodes them. [N, H, W, 3]"""
    width, height = size
    line = ["ffmpeg", "-v", "error", "-i", str(video), "-fps_mode", "passthrough"]
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-"]
    done = subprocess.run([*line, *raw], check=True, capture_output=True)
    assert done.stderr == b"", done.stderr.decode()
    return np.frombuffer(done.stdout, np.uint8).reshape(-1, height, width, 3)


def assert_plays(video: Path) -> None:
    """The file plays to its end, and ffmpeg warns of nothing."""
    done = run("ffmpeg", "-v", "warning", "-i", video, "-f", "null", "-")
    assert (done.status, done.output) == (0, "")


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    """Peak signal-to-noise ratio of two pictures, in dB."""
    error = np.mean((one.astype(np.float64) - other) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


@dataclass(frozen=True)
class Clip:
    """A clip, and which pictures of the stream it shows."""

    path: Path
    first: int
    shown: np.ndarray

    @property
    def end(self) -> int:
        """The picture behind its last one."""
        return self.first + len(self.shown)


@pytest.mark.usefixtures("model")
def test_every_action_of_the_stream_has_one_clip(tmp_path: Path) -> None:
    """The script cuts what the JSON Lines of the same run report."""
    done = run(ROOT / "pipelines/highlights.sh", STREAM, MODEL, tmp_path, timeout=300)
    assert done.status == 0, done.output
    recorded = (tmp_path / "events.jsonl").read_bytes()
    began = lines(recorded)[0]["start"]
    actions = [line for line in lines(recorded, "action") if line["state"] == "stop"]
    assert len(actions) == 8

    small = (160, 90)
    stream = frames(STREAM, small).astype(np.int16)
    green = stream[..., 1]

    def find(path: Path) -> Clip:
        shown = frames(path, small).astype(np.int16)
        some = np.linspace(0, len(shown) - 1, 6).astype(int)
        tries = range(len(stream) - len(shown) + 1)
        apart = [np.abs(green[at + some] - shown[some, ..., 1]).mean() for at in tries]
        return Clip(path, int(np.argmin(apart)), shown)

    clips = sorted((find(path) for path in tmp_path.glob("*.mp4")), key=lambda clip: clip.first)
    assert all(one.end <= other.first for one, other in zip(clips, clips[1:], strict=False))
    for clip in clips:
        assert_plays(clip.path)
    homes = []
    for action in actions:
        start, end = (round((action[key] - began) * FPS / SECOND) for key in ("start", "end"))
        (home,) = [clip for clip in clips if clip.first < end and start < clip.end]
        assert home.first <= start - PRE_ROLL
        assert min(end + POST_ROLL, len(stream)) <= home.end
        assert action["label"] in home.path.stem
        if home not in homes:
            assert home.first > start - PRE_ROLL - GROUP
            milliseconds = (action["start"] - began) // 1_000_000
            time = f"{milliseconds // 1000:05}.{milliseconds % 1000:03}s-"
            assert home.path.name.startswith(time)
        homes.append(home)
        alike = psnr(stream[start], home.shown[start - home.first])
        print(f"{home.path.name}: first frame {alike:.1f} dB")
        assert alike >= LEAST_PSNR
    assert {clip.path for clip in homes} == {clip.path for clip in clips}


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty seconds of blue with three stretches of red; bars in each picture tell its number."""
    numbers = np.arange(COUNT)
    is_red = np.any([(start <= numbers) & (numbers < end) for start, end in RED], axis=0)
    pictures = np.where(is_red[:, None], [220, 20, 20], [20, 20, 220]).astype(np.uint8)
    pictures = np.tile(pictures[:, None, None], (1, SIZE[1], SIZE[0], 1))
    for bar in range(BARS):
        left = 2 + BAR * bar
        value = np.where(numbers >> bar & 1, 255, 0)[:, None, None, None]
        pictures[:, TOP : TOP + BAR, left : left + BAR] = value
    path = tmp_path_factory.mktemp("colours") / "colours.rgb"
    path.write_bytes(pictures.tobytes())
    return path


def numbers_of(clip: Path) -> list[int]:
    """The numbers that the bars tell."""
    middles = frames(clip, SIZE)[:, TOP + BAR // 2, 2 + BAR // 2 :: BAR, 1][:, :BARS] > 127
    return (middles << np.arange(BARS)).sum(axis=1).tolist()


def told(output: str) -> list[tuple[int, int]]:
    """The first picture of each clip, and the one behind its last, as messages tell."""
    begin, end = (rf".*{moment}-running-time=\(guint64\)(\d+)" for moment in ("start", "end"))
    line = r"artgate-clip, state=\(string\)stop" + begin + end
    times = re.findall(line, output)
    return [
        (round(int(start) * FPS / SECOND), round(int(end) * FPS / SECOND)) for start, end in times
    ]


@pytest.mark.parametrize(
    ("encoder", "muxer", "group"),
    [
        ("x264enc key-int-max=15 bframes=3 b-adapt=false ! h264parse", "mp4mux", 15),
        ("x265enc key-int-max=15 ! h265parse", "mp4mux", 15),
        ("vp9enc keyframe-max-dist=15 deadline=1", "webmmux", 15),
        ("jpegenc", "matroskamux", 1),
    ],
)
def test_whatever_the_codec(
    colours: Path, encoder: str, muxer: str, group: int, tmp_path: Path
) -> None:
    """Clips begin within a group of what was asked and play from their first picture."""
    output = launch_well(
        f"-m filesrc location={colours} ! {SOURCE} ! artclassify model={COLOURS} ! tee name=t "
        f"t. ! videoconvert ! video/x-raw,format=I420 ! {encoder} ! {GATE} "
        f"! splitmuxsink async-handling=true muxer={muxer} location={tmp_path}/%05d.clip "
        f"t. ! artmetaenc ! queue max-size-time=0 ! filesink location={tmp_path}/events.jsonl"
    ).output
    recorded = (tmp_path / "events.jsonl").read_bytes()
    actions = [line for line in lines(recorded, "action") if line["state"] == "stop"]
    paths = sorted(tmp_path.glob("*.clip"))
    assert len(actions) == len(paths) == len(told(output)) == len(RED)
    for action, path, (first, end) in zip(actions, paths, told(output), strict=True):
        assert_plays(path)
        numbers = numbers_of(path)
        start, stop = (round(action[key] * FPS / SECOND) for key in ("start", "end"))
        assert numbers[0] == first and max(numbers) + 1 == end
        assert set(range(first, stop + 6)) <= set(numbers)
        assert start - 15 - group < first <= start - 15
        assert path.name == f"{start // FPS:05}.{start % FPS * 1000 // FPS:03}s-red.clip"


def test_sound_and_picture_are_in_step(colours: Path, tmp_path: Path) -> None:
    """Samples that tell their number begin and end with the pictures, by the file's times too."""
    count = COUNT * RATE // FPS
    samples = np.stack([np.arange(count) % 10_000, np.arange(count) // 10_000], axis=1)
    sound = tmp_path / "sound.pcm"
    sound.write_bytes(samples.astype("<i2").tobytes())
    launch_well(
        f"filesrc location={colours} ! {SOURCE} ! artclassify model={COLOURS} ! videoconvert "
        f"! video/x-raw,format=I420 ! x264enc key-int-max=15 ! queue ! {GATE} ! s.video "
        f"filesrc location={sound} ! rawaudioparse sample-rate={RATE} "
        "! audiobuffersplit output-buffer-duration=1/50 ! queue ! g.audio_0 g.audio_src_0 "
        "! s.audio_0 splitmuxsink name=s async-handling=true "
        f"muxer=matroskamux location={tmp_path}/%05d.mkv"
    )
    paths = sorted(tmp_path.glob("*.mkv"))
    assert len(paths) == len(RED)
    for path in paths:
        pictures = numbers_of(path)
        line = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "s16le", "-"]
        done = subprocess.run(line, check=True, capture_output=True)
        assert done.stderr == b""
        heard = np.frombuffer(done.stdout, "<i2").reshape(-1, 2).astype(int) @ [1, 10_000]
        assert (np.diff(heard) == 1).all()
        begins, ends = (
            heard[0] / RATE - pictures[0] / FPS,
            heard[-1] / RATE - (max(pictures) + 1) / FPS,
        )
        print(f"{path.name}: sound begins {begins:+.3f} s and ends {ends:+.3f} s from the picture")
        assert 0 <= begins < 0.02 and -0.02 <= ends < 0.02
        entries = ["-show_entries", "packet=stream_index,pts_time", "-of", "json"]
        packets = json.loads(run("ffprobe", "-v", "error", *entries, path).output)["packets"]
        starts = [
            min(float(packet["pts_time"]) for packet in packets if packet["stream_index"] == stream)
            for stream in (0, 1)
        ]
        assert abs(starts[1] - starts[0] - begins) < 0.002
