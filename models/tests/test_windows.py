"""Which window is what, and the truth that goes with it."""

import numpy as np
import pytest
import torch
from conftest import LABELS, made_truth

from artmodels.labels import Attributes
from artmodels.targets import (
    inside_mask,
    mirror_features,
    mirror_windows,
    mirrored_boxes,
    window_targets,
)
from artmodels.windows import centred_start, dive_weight, flight_share, sample_indices

NAN = np.array(np.nan)


@pytest.mark.parametrize(
    ("start", "share"),
    [(-1.0, 0.0), (1.0, 1.0), (1.5, 0.5), (2.0, 0.0), (-2.0, 0.0), (-0.5, 0.5)],
)
def test_flight_share(start: float, share: float) -> None:
    assert flight_share(np.array(start), 2.0, np.array(1.0), np.array(2.0)) == pytest.approx(share)


def test_no_flight_no_share() -> None:
    assert flight_share(np.array(0.0), 2.0, NAN, NAN) == 0


@pytest.mark.parametrize(("share", "weight"), [(0, 0), (0.1, 0), (0.45, 0.5), (0.8, 1), (1, 1)])
def test_label_rule(share: float, weight: float) -> None:
    assert dive_weight(np.array(share)) == pytest.approx(weight)


def test_centred_window_lies_around_the_flight_and_inside_the_clip() -> None:
    takeoff, entry = np.array([1.0, 0.0, 2.8, np.nan]), np.array([2.2, 0.4, 3.2, np.nan])
    assert centred_start(takeoff, entry, 32, 20, 10.0).tolist() == [6, 0, 12, 6]


def test_samples_repeat_the_ends_and_follow_the_speed() -> None:
    assert sample_indices(np.array([-2, 3]), 4, 6).tolist() == [[0, 0, 0, 1], [3, 4, 5, 5]]
    fast = sample_indices(np.array([4]), 5, 20, np.array([2.0]))
    assert fast.tolist() == [[2, 4, 6, 8, 10]]


def test_targets_of_windows() -> None:
    truth = made_truth(4, np.random.default_rng(0))
    clips = np.array([0, 1, 3])
    frames = sample_indices(np.array([1, 9, 2]), 8, 12)
    target = window_targets(truth, clips, frames, 10.0, Attributes.of(LABELS[:-1]), 3)
    assert target.classes.sum(1).tolist() == pytest.approx([1, 1, 1])
    assert target.classes[0].argmax() == 0 and target.classes[0, 0] == 1
    assert target.classes[1, 3] == 1 and target.classes[2, 3] == 1
    assert target.attributes[1].tolist() == [1, 1, 0, 0]
    assert (target.rotation[:, 0] == 0).all()
    turns = torch.from_numpy(truth["somersault"][0, frames[0]])
    assert torch.allclose(target.rotation[0, :, 0].cumsum(0), turns - turns[0], atol=1e-6)
    assert not target.frames.seen[2].any() and not target.frames.posed[2].any()


def test_mirror_twice_is_nothing_and_once_turns_twists() -> None:
    truth = made_truth(2, np.random.default_rng(0))
    frames = sample_indices(np.array([0, 0]), 8, 12)
    target = window_targets(truth, np.array([0, 1]), frames, 10.0, Attributes.of(LABELS[:-1]), 3)
    pose, body, rotation = (
        target.frames.pose.clone(),
        target.frames.body.clone(),
        target.rotation.clone(),
    )
    mirror = torch.tensor([True, False])
    mirror_windows(target, mirror)
    assert torch.equal(target.rotation[0, :, 1], -rotation[0, :, 1])
    assert torch.equal(target.rotation[:, :, 0], rotation[:, :, 0])
    assert torch.equal(target.frames.pose[0, :, 0], -pose[0, :, 0])
    assert torch.equal(target.frames.pose[1], pose[1])
    mirror_windows(target, mirror)
    assert torch.allclose(target.frames.body, body, atol=1e-6) and torch.equal(
        target.frames.pose, pose
    )


def test_mirrored_features() -> None:
    features = np.arange(2 * 1 * 3 * 1).reshape(2, 1, 3, 1)
    got = mirror_features(features, torch.tensor([False, True]))
    assert got[..., 0].tolist() == [[[0, 1, 2]], [[5, 4, 3]]]


def test_mirrored_box() -> None:
    boxes = torch.tensor([[0.1, 0.2, 0.3, 0.4]])
    assert mirrored_boxes(boxes, torch.tensor([True]))[0].tolist() == pytest.approx(
        [0.7, 0.2, 0.9, 0.4]
    )


def test_inside_mask_marks_touched_cells() -> None:
    mask = inside_mask(torch.tensor([[0.0, 0.5, 0.3, 1.0], [float("nan")] * 4]), 4, 4)
    assert mask[0].int().tolist() == [[0, 0, 0, 0], [0, 0, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0]]
    assert not mask[1].any()


def test_attributes_of_names() -> None:
    attributes = Attributes.of(LABELS[:-1])
    assert attributes.values[0] == ("Back", "Forward", "Reverse")
    assert attributes.incidence(4).sum(0).tolist() == [4, 4, 4, 0]
    with pytest.raises(ValueError, match="2 parts"):
        Attributes.of(["Back+PIKE"])
