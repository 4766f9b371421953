"""SynthDive48: names, motion, determinism, ground truth."""

import numpy as np
import pytest

from artmodels.synthdive import (
    BACKGROUND,
    CLASS_NAMES,
    DIVES,
    PART_NAMES,
    parse,
    phrase,
    render_clip,
    render_stream,
)
from artmodels.synthdive.kinematics import Plan, move, plan_dive
from artmodels.synthdive.palette import generator
from artmodels.synthdive.skeleton import J, centre_of_mass, joints


def _plan(label: int, index: int = 0) -> Plan:
    return plan_dive(DIVES[label], generator("test", label, index), 1.7)


def test_names_parse() -> None:
    assert len(CLASS_NAMES) == len(set(CLASS_NAMES)) == BACKGROUND == 48
    dive = parse("Back+25som+15Twis+PIKE")
    assert (dive.takeoff, dive.half_somersaults, dive.half_twists, dive.position) == (
        "Back", 5, 3, "PIKE",
    )  # fmt: skip
    assert parse("Forward+Dive+NoTwis+STR").half_somersaults == 1
    assert parse("Reverse+15som+05Twis+FREE").half_twists == 1
    assert parse("Forward+25som+3Twis+PIKE").half_twists == 6
    with pytest.raises(ValueError, match="Sideways"):
        parse("Sideways+1som+NoTwis+PIKE")


def test_phrases_tell_the_classes_apart() -> None:
    phrases = [phrase(i) for i in range(49)]
    assert len(set(phrases)) == 49
    assert phrase(CLASS_NAMES.index("Back+25som+15Twis+PIKE")) == (
        "a back dive with two and a half somersaults and one and a half twists in pike position"
    )


@pytest.mark.parametrize("label", range(48))
def test_motion_turns_as_named(label: int) -> None:
    dive = DIVES[label]
    plan = _plan(label)
    times = np.linspace(-1.0, plan.flight, 4001)
    motion = move(plan, times)
    assert motion.somersault[-1] == pytest.approx(dive.body_sense * dive.half_somersaults / 2)
    assert abs(motion.twist[-1]) == pytest.approx(dive.half_twists / 2)
    step = times[1] - times[0]
    assert np.abs(np.diff(motion.somersault)).max() / step < 2.9
    assert np.abs(np.diff(motion.twist)).max() / step < 3.5

    # The rotation matrices tell the same: proper, and the long axis sweeps the named angle.
    rotation = motion.rotation
    assert np.allclose(rotation @ rotation.transpose(0, 2, 1), np.eye(3), atol=1e-9)
    assert np.allclose(np.linalg.det(rotation), 1.0)
    long_axis = rotation[:, :, 1]
    angle = np.unwrap(np.arctan2(long_axis[:, 0], long_axis[:, 1])) / (2 * np.pi)
    assert angle[-1] - angle[0] == pytest.approx(dive.world_sense * dive.half_somersaults / 2)

    # Facing the water or not at take-off, hands or feet first at entry.
    takeoff = np.searchsorted(times, 0.0)
    assert (rotation[takeoff, 0, 0] > 0.8) == dive.faces_water
    assert (rotation[takeoff, 0, 0] < -0.8) != dive.faces_water
    places = np.einsum("ij,kj->ki", rotation[-1], joints(motion.angles[-1:])[0] * 1.7)
    heights = places[:, 1] + motion.root[-1, 1]
    lowest = heights[[J["fingers_l"], J["toes_l"]]].argmin()
    assert lowest == (0 if dive.head_first else 1)
    assert heights.min() == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("label", [0, 7, 17, 30, 34, 40])
def test_motion_has_no_jumps(label: int) -> None:
    plan = _plan(label, 3)
    times = np.arange(-3.0, plan.flight + 0.5, 0.002)
    motion = move(plan, times)
    assert np.linalg.norm(np.diff(motion.root, axis=0), axis=1).max() < 0.05
    assert np.abs(np.diff(motion.angles, axis=0)).max() < 0.15


def test_flight_is_ballistic() -> None:
    plan = _plan(7)
    times = np.linspace(0.0, plan.flight, 60)
    motion = move(plan, times)
    mass = centre_of_mass(joints(motion.angles)) * plan.height
    centre = motion.root + np.einsum("fij,fj->fi", motion.rotation, mass)
    gravity = np.polyfit(times, centre[:, 1], 2)[0] * -2
    assert gravity == pytest.approx(9.81, rel=1e-6)


@pytest.mark.parametrize("label", [2, 28, BACKGROUND])
def test_a_clip_is_the_same_bytes_again(label: int) -> None:
    one, two = (render_clip("train", label, 5, seconds=1.0) for _ in range(2))
    for name in ("frames", "boxes", "body_box", "phase", "somersault", "twist", "pose"):
        assert getattr(one, name).tobytes() == getattr(two, name).tobytes()


def test_splits_and_indices_differ() -> None:
    clips = [
        render_clip(split, 12, index, seconds=0.2)
        for split, index in (("train", 0), ("train", 1), ("val", 0), ("test", 0))
    ]
    assert len({clip.frames.tobytes() for clip in clips}) == len(clips)
    with pytest.raises(ValueError, match="unknown split"):
        render_clip("holdout", 0, 0)


@pytest.mark.parametrize(("label", "index"), [(0, 0), (15, 1), (23, 2), (35, 3), (47, 4)])
def test_truth_fits_the_pictures(label: int, index: int) -> None:
    clip = render_clip("test", label, index)
    count, parts = 32, len(PART_NAMES)
    assert clip.frames.shape == (count, 160, 160, 3)
    assert clip.frames.dtype == np.uint8
    assert clip.boxes.shape == (count, parts, 4)
    assert 0.5 <= clip.takeoff <= 1.0
    assert 1.25 <= clip.entry - clip.takeoff <= 1.75
    assert (np.diff(clip.phase) >= 0).all()
    assert set(clip.phase) == {0, 1, 2}
    times = np.arange(count) / clip.fps
    assert ((clip.phase == 1) == ((times >= clip.takeoff) & (times < clip.entry))).all()

    seen = np.isfinite(clip.boxes).all(-1)
    assert (seen == np.isfinite(clip.boxes).any(-1)).all()
    boxes = clip.boxes[seen]
    assert boxes.min() >= 0.0
    assert boxes.max() <= 1.0
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    flying = clip.phase < 2
    assert seen[flying].mean() > 0.6
    assert seen[flying][:, PART_NAMES.index("torso")].all()
    middle = 0.5 * (clip.body_box[flying, :2] + clip.body_box[flying, 2:])
    assert np.abs(middle - 0.5).max() < 0.4

    axis, chest = clip.pose[:, :3], clip.pose[:, 3:6]
    assert np.allclose(np.linalg.norm(axis, axis=1), 1.0, atol=1e-5)
    assert np.allclose((axis * chest).sum(1), 0.0, atol=1e-5)


def test_boxes_hold_the_diver() -> None:
    """Inside the torso's box the picture differs from the same picture elsewhere."""
    clip = render_clip("test", 24, 2)
    for frame in np.flatnonzero(clip.phase == 1)[::3]:
        x0, y0, x1, y1 = (clip.body_box[frame] * 160).astype(int)
        picture = clip.frames[frame].astype(float)
        inside = picture[y0:y1, x0:x1].reshape(-1, 3)
        ring = picture[max(0, y0 - 6) : y1 + 6, max(0, x0 - 6) : x1 + 6].reshape(-1, 3)
        assert np.abs(inside.std(0) - ring.std(0)).max() > 0.3 or inside.std() > 20


def test_background_clips() -> None:
    for index in range(13):
        clip = render_clip("train", BACKGROUND, index, seconds=0.6)
        assert set(clip.phase) <= {0, -1}
        assert np.isnan(clip.takeoff)
        assert np.isnan(clip.entry)
        assert (clip.somersault == 0).all()


def test_stream_plan_and_pictures() -> None:
    stream = render_stream(4, 6, width=128, height=72, fps=10)
    assert len(stream.truth) == 6
    assert stream.truth == render_stream(4, 6, width=128, height=72, fps=10).truth
    assert sum(piece.frames for piece in stream.pieces) == stream.count
    for before, after in zip(stream.truth, stream.truth[1:], strict=False):
        assert 1.8 <= after.takeoff - before.entry <= 5.3
    frames = stream.frames()
    first = next(frames)
    assert first.shape == (72, 128, 3)
    assert first.dtype == np.uint8
    again = next(stream.frames())
    assert first.tobytes() == again.tobytes()
