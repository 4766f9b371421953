"""Readers of official formats, decoding, sampling, augmentation, and clips that cannot be read."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import trees

from artmodels.data import (
    AugmentConfig,
    DatasetConfig,
    Listing,
    Sample,
    SamplingConfig,
    TestClips,
    TrainClips,
    ViewsConfig,
    ntu,
    read,
)
from artmodels.data.clips import LEFT_OUT
from artmodels.data.frames import FrameFolder, UnreadableError, VideoFile
from artmodels.data.pictures import crops, multi_scale_box, resized_box, scaled
from artmodels.data.sampling import dense, segments, uniform
from artmodels.data.sides import FREE, SIDED, flipped, twins
from artmodels.data.unreadable import Unreadable

Found = list[tuple[str, int]]
NAMES_99 = (
    "(VT) round-off, flic-flac with 0.5 turn on",
    "(FX) switch leap with 1 turn",
)
CASES = [
    (
        trees.diving48,
        "diving48",
        "",
        [(f"-mmq0PT_u8k_{k:05d}.mp4", k % 2) for k in range(6)],
        [(f"-mmq0PT_u8k_{k:05d}.mp4", k % 2) for k in range(6, 12)],
        ("Back+15som+05Twis+FREE", "Forward+1som+NoTwis+PIKE"),
    ),
    (
        trees.finegym,
        "finegym",
        "gym99_v1.0",
        [("A0xhf_6q2EY_E_005250_005273_A_0001_0003.mp4", 1)],
        [("zfqS-wCJSsw_E_006244_006252_A_0000_0007.mp4", 1)],
        NAMES_99,
    ),
    (
        trees.finegym,
        "finegym",
        "gym99_v1.1",
        [
            ("A0xhf_6q2EY_E_005250_005273_A_0001_0003.mp4", 1),
            ("0LtLS9wROrk_E_002407_002435_A_0003_0005.mp4", 0),
        ],
        [("zfqS-wCJSsw_E_006244_006252_A_0000_0007.mp4", 1)],
        NAMES_99,
    ),
    (
        trees.ntu,
        "ntu",
        "60-xsub",
        [("S001C001P001R001A001_rgb.avi", 0)],
        [("S001C002P003R001A060_rgb.avi", 59), ("S002C003P003R002A002_rgb.avi", 1)],
        None,
    ),
    (
        trees.ntu,
        "ntu",
        "60-xview",
        [("S001C002P003R001A060_rgb.avi", 59), ("S002C003P003R002A002_rgb.avi", 1)],
        [("S001C001P001R001A001_rgb.avi", 0)],
        None,
    ),
    (
        trees.ntu,
        "ntu",
        "120-xsub",
        [("S001C001P001R001A001_rgb.avi", 0), ("S018C001P045R001A061_rgb.avi", 60)],
        [("S001C002P003R001A060_rgb.avi", 59), ("S002C003P003R002A002_rgb.avi", 1)],
        None,
    ),
    (
        trees.ntu,
        "ntu",
        "120-xset",
        [("S002C003P003R002A002_rgb.avi", 1), ("S018C001P045R001A061_rgb.avi", 60)],
        [("S001C001P001R001A001_rgb.avi", 0), ("S001C002P003R001A060_rgb.avi", 59)],
        None,
    ),
    (
        trees.kinetics,
        "kinetics",
        "",
        [("_abc-EFG123_000003_000013.mp4", 1), ("0123456789a_000010_000020.mp4", 0)],
        [("zzzzzzzzzzz_000107_000117.mp4", 0)],
        ("abseiling", "riding a bike"),
    ),
    (
        trees.something_v1,
        "something-v1",
        "",
        [("100218", 2), ("24413", 0)],
        [("74225", 1)],
        (
            "Holding something",
            "Pulling something from left to right",
            "Pulling something from right to left",
        ),
    ),
    (
        trees.something_v2,
        "something-v2",
        "",
        [("78687.webm", 1)],
        [("117478.webm", 0)],
        ("Moving something up", "Holding something next to something"),
    ),
    (
        trees.ucf101,
        "ucf101",
        "2",
        [("v_ApplyEyeMakeup_g02_c01.avi", 0), ("v_YoYo_g02_c01.avi", 1)],
        [("v_YoYo_g03_c01.avi", 1)],
        ("ApplyEyeMakeup", "YoYo"),
    ),
    (
        trees.hmdb51,
        "hmdb51",
        "1",
        [("brush_hair_0_u_nm_np1_ba_goo_0.avi", 0), ("wave_0_u_nm_np1_ba_goo_0.avi", 1)],
        [("brush_hair_1_u_nm_np1_ba_goo_1.avi", 0), ("wave_1_u_nm_np1_ba_goo_1.avi", 1)],
        ("brush_hair", "wave"),
    ),
]


@pytest.mark.parametrize(
    ("tree", "kind", "variant", "train", "test", "names"), CASES, ids=[c[1] + c[2] for c in CASES]
)
def test_official_formats(
    tree: Callable[[Path], None],
    kind: str,
    variant: str,
    train: Found,
    test: Found,
    names: tuple[str, ...] | None,
    tmp_path: Path,
) -> None:
    tree(tmp_path)
    for part, want in (("train", train), ("test", test)):
        listing = read(DatasetConfig(kind, variant), tmp_path, part)
        assert [(s.path.name, s.label) for s in listing.samples] == want
        if names:
            assert listing.names == names
        unreadable = Unreadable()
        clips = TestClips(listing, 4, 32, SamplingConfig(), ViewsConfig(resize=(32,)), unreadable)
        for n in range(len(clips)):
            views, label = clips[n]
            assert views.shape == (1, 4, 32, 32, 3) and label == want[n][1]
        assert not unreadable.found()


def test_parts_of_videos_are_kept_to(tmp_path: Path) -> None:
    trees.diving48(tmp_path, 1)
    listing = read(DatasetConfig("diving48"), tmp_path, "train")
    assert listing.samples[0].first == 2 and listing.samples[0].end == 14
    clips = TestClips(listing, 12, 48, SamplingConfig(), ViewsConfig(resize=(48,)), Unreadable())
    assert trees.number(clips[0][0][0].numpy()) == list(range(2, 14))


def test_protocols_of_ntu_have_the_published_sizes() -> None:
    assert len(ntu.SUBJECTS_60) == 20 and len(ntu.SUBJECTS_120) == 53
    assert {2, 3} == ntu.CAMERAS


@pytest.mark.parametrize(
    ("tree", "kind", "variant", "file", "line", "message"),
    [
        (trees.diving48, "diving48", "", "Diving48_V2_train.json", '[{"vid_name": "a"}]', "label"),
        (
            trees.diving48,
            "diving48",
            "",
            "Diving48_V2_train.json",
            '[{"vid_name": "a", "label": 2, "start_frame": 0, "end_frame": 9}]',
            "label 2, expected 0 to 1",
        ),
        (
            trees.finegym,
            "finegym",
            "gym99_v1.1",
            "gym99_train_element_v1.1.txt",
            "short_E_1_2 3",
            "expected VIDEO_E_",
        ),
        (trees.kinetics, "kinetics", "", "train.csv", "name,id", "label,youtube_id"),
        (trees.kinetics, "kinetics", "400", "other", "", "2 classes, not 400"),
        (
            trees.something_v1,
            "something-v1",
            "",
            "something-something-v1-train.csv",
            "7;Flying",
            "ID;LABEL",
        ),
        (
            trees.something_v2,
            "something-v2",
            "",
            "something-something-v2-train.json",
            '[{"id": "7"}]',
            "template",
        ),
        (trees.ucf101, "ucf101", "1", "trainlist01.txt", "Fly/v.avi 1", "classInd.txt"),
        (trees.hmdb51, "hmdb51", "3", "wave_test_split3.txt", "a.avi 7", "0, 1 or 2"),
        (trees.hmdb51, "hmdb51", "4", "other", "", "known are the splits 1, 2, 3"),
        (trees.ntu, "ntu", "60", "other", "", "known are 60-xsub"),
        (trees.ntu, "nut", "60", "other", "", "known are diving48"),
    ],
)
def test_what_is_not_in_the_format_is_named(
    tree: Callable[[Path], None],
    kind: str,
    variant: str,
    file: str,
    line: str,
    message: str,
    tmp_path: Path,
) -> None:
    tree(tmp_path)
    (tmp_path / "annotations" / file).write_text(line)
    with pytest.raises(ValueError, match=message):
        read(DatasetConfig(kind, variant), tmp_path, "train")


def test_missing_annotations_are_named(tmp_path: Path) -> None:
    trees.ucf101(tmp_path)
    (tmp_path / "annotations/trainlist01.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"trainlist01\.txt"):
        read(DatasetConfig("ucf101", "1"), tmp_path, "train")
    shutil.rmtree(tmp_path / "videos")
    trees.kinetics(tmp_path)
    shutil.rmtree(tmp_path / "videos")
    with pytest.raises(FileNotFoundError, match="no folder .*videos"):
        read(DatasetConfig("kinetics"), tmp_path, "train")


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".webm"])
def test_frames_are_numbered_as_shown(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"clip{suffix}"
    trees.video(path, 20)
    video = VideoFile(path)
    assert video.count == 20
    wanted = [13, 2, 2, 19, 0]
    assert trees.number(video.take(np.array(wanted))) == wanted


def test_frames_that_an_edit_list_hides_do_not_count(tmp_path: Path) -> None:
    trees.video(tmp_path / "whole.mp4", 20)
    trees.stream_copy(tmp_path / "part.mp4", tmp_path / "whole.mp4", after=5)
    video = VideoFile(tmp_path / "part.mp4")
    assert video.count == 15
    assert trees.number(video.take(np.array([0, 14, 7]))) == [5, 19, 12]


def test_a_video_that_changes_its_size_is_unreadable(tmp_path: Path) -> None:
    trees.video(tmp_path / "small.ts", 8)
    trees.video(tmp_path / "large.ts", 8, height=96, width=128)
    parts = [(tmp_path / f"{size}.ts").read_bytes() for size in ("small", "large")]
    (tmp_path / "both.ts").write_bytes(b"".join(parts))
    video = VideoFile(tmp_path / "both.ts")
    assert video.take(np.array([0, 7])).shape[1:] == (48, 64, 3)
    with pytest.raises(UnreadableError, match=r"both\.ts: frames differ in size"):
        video.take(np.array([0, video.count - 1]))


def test_elements_of_one_name_are_told_apart_by_their_set(tmp_path: Path) -> None:
    trees.finegym(tmp_path)
    trees.text(
        tmp_path / "annotations/gym99_categories.txt",
        "Clabel:   0; set: 33; Glabel: 290; (BB) salto backward tucked",
        "Clabel:   1; set: 35; Glabel: 359; (BB) salto backward tucked",
        "Clabel:   2; set: 35; Glabel: 357; (BB) double salto backward tucked",
    )
    assert read(DatasetConfig("finegym", "gym99_v1.0"), tmp_path, "train").names == (
        "(BB) salto backward tucked, in flight",
        "(BB) salto backward tucked, as dismount",
        "(BB) double salto backward tucked",
    )


def test_folders_of_frames(tmp_path: Path) -> None:
    trees.folder(tmp_path / "7", 12)
    frames = FrameFolder(tmp_path / "7")
    assert frames.count == 12
    taken = frames.take(np.array([11, 0, 3]))
    assert trees.number(taken) == [11, 0, 3] and taken[0, 0, 0, 0] > 240


def broken(root: Path, kind: str) -> Path:
    path = root / "clip.mp4"
    if kind == "missing":
        return path
    if kind == "empty":
        path.touch()
    if kind == "no video":
        path.write_text("<html>this video is not available</html>")
    if kind == "cut":
        trees.video(root / "whole.avi", 20)
        data = (root / "whole.avi").read_bytes()
        path = root / "cut.avi"
        path.write_bytes(data[: len(data) // 2])
    if kind == "empty folder":
        path = root / "frames"
        path.mkdir()
    if kind == "bad frame":
        path = root / "frames"
        trees.folder(path, 20)
        (path / "00020.jpg").write_bytes(b"no picture")
    return path


KINDS = ["missing", "empty", "no video", "cut", "empty folder", "bad frame"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_cannot_be_read_is_named_and_passed_over(kind: str, tmp_path: Path) -> None:
    trees.video(tmp_path / "good.mp4", 20)
    bad = broken(tmp_path, kind)
    samples = (Sample(bad, 0, 0, 20), Sample(tmp_path / "good.mp4", 1))
    listing, sampling = Listing(samples, ("one", "two")), SamplingConfig("uniform")
    unreadable = Unreadable(tmp_path / "run" / "unreadable.txt")
    clips = TrainClips(listing, 20, 32, sampling, AugmentConfig(resize=(48,)), unreadable)
    with pytest.warns(UserWarning, match=bad.name):
        frames, label = clips[0]
    assert label == 1 and frames.shape == (20, 32, 32, 3)
    torch.manual_seed(3)
    again = clips[0][0]
    torch.manual_seed(3)
    fresh = TrainClips(listing, 20, 32, sampling, AugmentConfig(resize=(48,)), unreadable)
    assert torch.equal(fresh[0][0], again)
    assert list(Unreadable(tmp_path / "run" / "unreadable.txt").found()) == [str(bad)]
    assert unreadable.report().startswith("1 clips could not be read") and bad.name in (
        unreadable.report()
    )
    views = TestClips(listing, 20, 32, sampling, ViewsConfig(resize=(32,)), unreadable)
    assert views[0][1] == LEFT_OUT and not views[0][0].any() and views[1][1] == 1


def test_a_listing_without_any_video_is_an_error(tmp_path: Path) -> None:
    samples = tuple(Sample(tmp_path / f"{k}.mp4", 0) for k in range(5))
    clips = TrainClips(
        Listing(samples, ("one",)), 4, 32, SamplingConfig(), AugmentConfig(), Unreadable()
    )
    with (
        pytest.warns(UserWarning),
        pytest.raises(RuntimeError, match=r"5 clips in a row .*1\.mp4: no such file"),
    ):
        clips[2]


def test_segments_take_one_frame_of_each() -> None:
    assert segments(80, 8, None).tolist() == [5, 15, 25, 35, 45, 55, 65, 75]
    assert segments(4, 8, None).tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    first, second = (segments(80, 8, None, clip, 2).tolist() for clip in range(2))
    assert first == [2, 12, 22, 32, 42, 52, 62, 72] and second == [n + 5 for n in first]
    rng, seen = np.random.default_rng(0), set()
    for _ in range(200):
        numbers = segments(83, 8, rng)
        edges = np.arange(9) * 83 / 8
        assert (numbers >= np.floor(edges[:-1])).all() and (numbers < edges[1:]).all()
        seen |= set(numbers.tolist())
    assert seen == set(range(83))


def test_dense_clips_lie_in_a_window() -> None:
    assert dense(200, 8, 64, None).tolist() == [68 + 8 * k for k in range(8)]
    starts = [dense(200, 8, 64, None, clip, 10)[0] for clip in range(10)]
    assert starts[0] == 0 and starts[-1] == 136 and starts == sorted(starts)
    assert dense(20, 8, 64, None).tolist() == [0, 8, 16, 4, 12, 0, 8, 16]
    rng = np.random.default_rng(0)
    found = {int(dense(70, 8, 64, rng)[0]) for _ in range(100)}
    assert found == set(range(7))


def test_uniform_frames_span_the_video() -> None:
    assert uniform(32, 8, None).tolist() == [2, 6, 10, 14, 18, 22, 26, 30]
    assert uniform(32, 8, None, 0, 4).tolist() == [4 * k for k in range(8)]
    assert set(np.diff(uniform(32, 8, np.random.default_rng(0)))) == {4}


def test_multi_scale_crops() -> None:
    rng, seen = np.random.default_rng(0), set()
    for _ in range(2000):
        y, x, h, w = multi_scale_box(240, 320, (1, 0.875, 0.75, 0.66), rng)
        assert 0 <= y <= 240 - h and 0 <= x <= 320 - w
        seen.add((h, w))
    sides = (240, 210, 180, 158)
    pairs = {(a, b) for i, a in enumerate(sides) for j, b in enumerate(sides) if abs(i - j) < 2}
    assert seen == pairs


def test_resized_crops() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        y, x, h, w = resized_box(120, 160, (0.2, 1.0), (0.75, 4 / 3), rng)
        assert 0 <= y <= 120 - h and 0 <= x <= 160 - w and 0.7 < w / h < 1.4
        assert h * w > 0.19 * 120 * 160
    assert resized_box(100, 20, (1.0, 1.0), (1.0, 1.0), rng) == (40, 0, 20, 20)


def test_test_crops_lie_along_the_longer_side() -> None:
    frames = np.tile(np.arange(60, dtype=np.uint8)[None, None, :, None], (2, 20, 1, 3))
    left, middle, right = crops(frames, 3, 20)
    assert left[0, 0, 0, 0] == 0 and middle[0, 0, 0, 0] == 20 and right[0, 0, 0, 0] == 40
    tall = frames.transpose(0, 2, 1, 3)
    assert crops(tall, 3, 20)[2][0, 0, 0, 0] == 40
    assert np.array_equal(crops(frames, 1, 20)[0], middle)


def test_scaling_keeps_the_aspect_unless_told_otherwise() -> None:
    frames = np.zeros((1, 100, 150, 3), np.uint8)
    assert scaled(frames, (50,)).shape == (1, 50, 75, 3)
    assert scaled(frames, (240, 320)).shape == (1, 240, 320, 3)


SIDED_NAMES = (
    "Holding something",
    "Pulling something from left to right",
    "Pulling something from right to left",
    "Turning the camera left while filming something",
    "Turning the camera right while filming something",
    "Turning the camera upwards",
    "putting something upright on the table",
    "wave_left_hand",
)


def test_sides_are_read_from_names() -> None:
    assert twins(SIDED_NAMES) == [FREE, 2, 1, 4, 3, FREE, FREE, SIDED]


def test_flips_know_sides() -> None:
    pairs = twins(SIDED_NAMES)
    assert flipped(1, "safe", pairs, 0.1) == (False, 1)
    assert flipped(0, "safe", pairs, 0.1) == (True, 0)
    assert flipped(0, "safe", pairs, 0.6) == (False, 0)
    assert flipped(1, "mapped", pairs, 0.1) == (True, 2)
    assert flipped(7, "mapped", pairs, 0.1) == (False, 7)
    assert flipped(1, "plain", pairs, 0.1) == (True, 1)
    assert flipped(0, "off", pairs, 0.1) == (False, 0)


def test_a_mapped_flip_mirrors_pictures_and_label(tmp_path: Path) -> None:
    trees.something_v1(tmp_path)
    listing = read(DatasetConfig("something-v1"), tmp_path, "train")
    augment = AugmentConfig(resize=(48, 48), crop="centre", flip="mapped")
    clips = TrainClips(listing, 4, 48, SamplingConfig(), augment, Unreadable())
    seen = set()
    for seed in range(12):
        torch.manual_seed(seed)
        frames, label = clips[0]
        bright_left = bool(frames[:, :, 0].float().mean() > frames[:, :, -1].float().mean())
        seen.add((bright_left, label))
    assert seen == {(True, 2), (False, 1)}


def test_a_crop_is_the_same_in_all_frames_of_a_clip(tmp_path: Path) -> None:
    trees.folder(tmp_path / "7", 8)
    listing = Listing((Sample(tmp_path / "7", 0),), ("one",))
    clips = TrainClips(listing, 8, 32, SamplingConfig(), AugmentConfig(), Unreadable())
    for _ in range(10):
        frames = clips[0][0].float()
        bright = (frames > 240).all(-1).float().mean((1, 2))
        assert (bright - bright[0]).abs().max() < 0.05


def test_unknown_words_of_a_recipe_are_refused() -> None:
    for kind, values in (
        (SamplingConfig, {"kind": "sparse"}),
        (AugmentConfig, {"crop": "five"}),
        (AugmentConfig, {"flip": "yes"}),
        (ViewsConfig, {"crops": 2}),
        (ViewsConfig, {"clips": 0}),
    ):
        with pytest.raises(ValueError, match="expected|known are"):
            kind(**values)


def test_a_file_that_is_no_json_is_named(tmp_path: Path) -> None:
    trees.diving48(tmp_path, 1)
    (tmp_path / "annotations/Diving48_V2_train.json").write_text("{")
    with pytest.raises(ValueError, match="Diving48_V2_train.json: not JSON"):
        read(DatasetConfig("diving48"), tmp_path, "train")


def test_a_clip_beyond_the_end_of_its_video(tmp_path: Path) -> None:
    trees.video(tmp_path / "a.mp4", 8)
    clips = TestClips(
        Listing((Sample(tmp_path / "a.mp4", 0, 9, 20),), ("one",)),
        4,
        32,
        SamplingConfig(),
        ViewsConfig(),
        Unreadable(),
    )
    with pytest.warns(UserWarning, match="no frame 9: it has 8"):
        assert clips[0][1] == LEFT_OUT
    with pytest.raises(UnreadableError):
        VideoFile(tmp_path / "b.mp4")
