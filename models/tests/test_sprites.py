"""The sprite tasks, and every system learning a handful of their clips by heart."""

import itertools
import re
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from artmodels.dsts import UpstreamDownstream
from artmodels.sprites import CLASSES, clips
from artmodels.sprites.systems import parameters, system
from artmodels.sprites.tasks import COMPASS, DRAW, SIZE, SPEEDS
from artmodels.sprites.trials import accuracy, report, train
from artmodels.video import VideoModel
from artmodels.video.objective import video_terms


@pytest.mark.parametrize("task", CLASSES)
def test_clips_are_the_same_bytes_again(task: str) -> None:
    frames, labels = clips(task, 8, 3)
    assert frames.shape == (8, 8, 32, 32, 3) and frames.dtype == np.uint8
    assert frames.tobytes() == clips(task, 8, 3)[0].tobytes()
    assert frames.tobytes() != clips(task, 8, 4)[0].tobytes()
    assert labels.tolist() == [n % len(CLASSES[task]) for n in range(8)]
    assert all((clip[0] != clip[1]).any() for clip in frames)


def drawn(task: str, label: int) -> tuple[np.ndarray, list[tuple[int, tuple[int, int]]]]:
    """A clip over black, and the motions (pixels a frame, x and y) that explain all of it."""
    frames = np.zeros((8, SIZE, SIZE, 3), np.uint8)
    DRAW[task](frames, label, np.random.default_rng(label))
    motions = [(speed, tuple(way)) for speed in SPEEDS for way in COMPASS.tolist()]

    def explains(speed: int, way: tuple[int, int]) -> bool:
        step = (speed * way[1], speed * way[0])
        return all(
            (np.roll(one, step, (0, 1)) == two).all() for one, two in itertools.pairwise(frames)
        )

    return frames, [motion for motion in motions if explains(*motion)]


@pytest.mark.parametrize("label", range(4))
def test_tempo_is_speed_and_order_is_direction(label: int) -> None:
    _, motions = drawn("tempo", label)
    assert [speed for speed, _ in motions] == [SPEEDS[label]]
    _, motions = drawn("order", label)
    assert [way for _, way in motions] == [tuple(COMPASS[label].tolist())]


@pytest.mark.parametrize("label", range(4))
def test_the_small_part_goes_its_own_way(label: int) -> None:
    frames, _ = drawn("small-part", label)
    part = (frames > 200).all(-1)
    assert part[0].sum() == 9
    x, y = 2 * COMPASS[label]
    for one, two in itertools.pairwise(part):
        assert (np.roll(one, (y, x), (0, 1)) == two).all()


CLIPS = 32


def learned(model: VideoModel, frames: Tensor, target: Tensor) -> float:
    """Accuracy on the clips themselves, after as many rounds of 20 batches as it takes, four at
    most.
    """

    def again() -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            yield frames, target

    for _ in range(4):
        train(model, again(), steps=20)
        found = accuracy(model, frames, target.argmax(1))
        if found == 1:
            break
    return found


def by_heart(task: str = "order") -> tuple[Tensor, Tensor]:
    frames, labels = clips(task, CLIPS, 0)
    target = F.one_hot(torch.from_numpy(labels), len(CLASSES[task])).float()
    return torch.from_numpy(frames), target


@pytest.mark.parametrize("name", ["TSN+TCM", "TSN+DSTS", "TSN+ART"])
def test_every_system_learns_32_clips_by_heart(name: str) -> None:
    torch.manual_seed(0)
    assert learned(system(name, "order"), *by_heart()) == 1


def test_upstream_downstream_learning_learns_them_too() -> None:
    torch.manual_seed(0)
    model, (frames, target) = system("TSN+DSTS", "order"), by_heart()
    learning = UpstreamDownstream(model, model.neck.upstream(), alpha=0.01)
    up = torch.optim.Adam(learning.upstream, lr=3e-3)
    down = torch.optim.Adam(learning.downstream, lr=3e-3)

    def loss(rows: slice) -> Tensor:
        terms = video_terms(model, model(frames[rows]), target[rows])
        return sum(terms.values())

    model.train()
    for _ in range(15):
        learning.step(lambda: loss(slice(0, 16)), lambda: loss(slice(16, 32)), up, down)
        learning.step(lambda: loss(slice(16, 32)), lambda: loss(slice(0, 16)), up, down)
    assert accuracy(model, frames, target.argmax(1)) == 1


def test_the_table_names_every_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "artmodels.sprites.trials.TRIALS", {"tempo": ("TSN",), "order": ("TSM+DSTS",)}
    )
    lines = report(seeds=1, steps=1).splitlines()
    assert [line.split(" | ")[:2] for line in lines[4:6]] == [
        ["| tempo (25)", "TSN"],
        ["| order (25)", "TSM+DSTS"],
    ]
    assert lines[-1].startswith("Test clips of each neuron, TSM+DSTS")
    assert sum(int(n) for n in re.findall(r"\d+", lines[-1].split(":")[1])) == 400


def test_systems_are_named_by_their_parts() -> None:
    sizes = [parameters(system(name, "order")) for name in ("TSN", "TSM", "TSM+TCM+DSTS+ART")]
    assert sizes[0] == sizes[1] < sizes[2]
    with pytest.raises(ValueError, match="one of TSN, TSM"):
        system("I3D", "order")
