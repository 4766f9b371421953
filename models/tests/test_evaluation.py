"""Scores against naive counts, costs against known ones, protocols, results that come back."""

from pathlib import Path

import cv2
import forks
import numpy as np
import pytest
import torch
import trees

from artmodels.data import DatasetConfig, SamplingConfig, TestClips, ViewsConfig, read
from artmodels.data.unreadable import Unreadable
from artmodels.evaluation import Predictions, predict, scores
from artmodels.evaluation.attention import attention_of
from artmodels.evaluation.cost import gmacs, parameters
from artmodels.evaluation.plots import confusion_plot, cost_plot
from artmodels.evaluation.results import Results, mean_row, report, table
from artmodels.evaluation.scores import closest, confusion
from artmodels.sprites.systems import system
from artmodels.training import Processes
from artmodels.video import VideoConfig
from artmodels.video.config import ClipConfig


def found(videos: int = 200, classes: int = 9) -> Predictions:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, classes - 1, videos)  # the last class has no video
    rows = rng.dirichlet(np.ones(classes), videos)
    rows[np.arange(videos), labels] += 0.1
    return Predictions(rows, labels, np.arange(videos), 0)


def test_scores_equal_naive_counts() -> None:
    one = found()
    top, five, by_class = 0, 0, {}
    for row, label in zip(one.scores, one.labels, strict=True):
        ranked = sorted(range(len(row)), key=lambda c: -row[c])
        top += ranked[0] == label
        five += label in ranked[:5]
        by_class.setdefault(int(label), []).append(ranked[0] == label)
    mean = sum(sum(r) / len(r) for r in by_class.values()) / len(by_class)
    assert scores(one) == pytest.approx(
        {"top-1": top / 200, "top-5": five / 200, "mean-class": mean}
    )


def test_closest_classes_are_those_most_taken_for_each_other() -> None:
    labels = np.array([0] * 10 + [1] * 5 + [2] * 10)
    answers = np.array([0] * 9 + [2] + [1] * 2 + [2] * 3 + [2] * 10)
    one = Predictions(np.eye(3)[answers], labels, np.arange(25), 0)
    matrix = confusion(one)
    assert matrix.tolist() == [[9, 0, 1], [0, 2, 3], [0, 0, 10]]
    assert closest(matrix, 5) == [(1, 2, 3, 3 / 15), (0, 2, 1, 1 / 20)]


class Brightness(torch.nn.Module):
    """Answers by what its views show: scores depend on the first frame's mean."""

    def forward(self, frames: torch.Tensor) -> object:
        grey = frames.float().mean((1, 2, 3, 4))
        return type("Output", (), {"logits": torch.stack([grey, 100 - grey], 1) / 50})


def assessed(
    root: Path, clips: int, crops: int, batch: int, processes: Processes | None = None
) -> tuple[TestClips, Predictions]:
    listing = read(DatasetConfig("diving48"), root, "test")
    views = ViewsConfig(clips, crops, resize=(32,))
    data = TestClips(listing, 4, 32, SamplingConfig("dense", 8), views, Unreadable())
    return data, predict(Brightness(), data, batch, processes=processes, progress=False)


@pytest.mark.parametrize(("clips", "crops"), [(1, 1), (2, 3), (10, 3)])
def test_views_are_averaged(clips: int, crops: int, tmp_path: Path) -> None:
    trees.diving48(tmp_path, 3)
    data, one = assessed(tmp_path, clips, crops, batch=4)
    for row, label, item in zip(one.scores, one.labels, one.items, strict=True):
        views, truth = data[int(item)]
        assert views.shape == (clips * crops, 4, 32, 32, 3) and truth == label
        want = torch.stack([Brightness()(view[None]).logits[0].softmax(0) for view in views])
        assert np.allclose(row, want.mean(0), atol=1e-6)


def test_processes_share_the_videos(tmp_path: Path) -> None:
    trees.diving48(tmp_path, 5)
    (tmp_path / "videos/-mmq0PT_u8k_00006.mp4").unlink()
    with pytest.warns(UserWarning, match="00006"):
        alone = assessed(tmp_path, 2, 1, 8)[1]
    assert alone.left_out == 1 and alone.items.tolist() == [0, 2, 3, 4]

    def work(rank: int) -> None:
        processes = Processes.joined("cpu")
        one = assessed(tmp_path, 2, 1, 8, processes)[1]
        np.savez(tmp_path / f"{rank}.npz", scores=one.scores, items=one.items)
        processes.leave()

    forks.together(work)
    for rank in range(2):
        part = np.load(tmp_path / f"{rank}.npz")
        assert np.array_equal(part["scores"], alone.scores)
        assert np.array_equal(part["items"], alone.items)


def test_without_a_readable_video_there_is_no_score(tmp_path: Path) -> None:
    trees.diving48(tmp_path, 1)
    for path in (tmp_path / "videos").iterdir():
        path.write_bytes(b"")
    with (
        pytest.warns(UserWarning),
        pytest.raises(RuntimeError, match="none of the 1 test videos"),
    ):
        assessed(tmp_path, 1, 1, 1)


class Known(torch.nn.Module):
    """Eight frames through a convolution and a linear layer of known costs."""

    def __init__(self) -> None:
        super().__init__()
        self.config = VideoConfig(data=ClipConfig(frames=8))
        self.convolution = torch.nn.Conv2d(3, 32, 3, padding=1)
        self.linear = torch.nn.Linear(32, 4)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        maps = self.convolution(frames.flatten(0, 1).permute(0, 3, 1, 2).float())
        return self.linear(maps.mean((2, 3)))


def test_costs_of_a_known_network() -> None:
    want = 8 * (32 * 32 * 32 * 27 + 32 * 4)
    assert gmacs(Known(), 32) == pytest.approx(want / 1e9, rel=1e-6)
    assert parameters(Known()) == 32 * 27 + 32 + 32 * 4 + 4


def results(name: str = "TSM", top: float = 0.5) -> Results:
    said = {"top-1": top, "top-5": 0.9, "mean-class": 0.4}
    return Results(name, "ucf101 1", 100, 2, 10, 3, 224, 8, said, 23_600_000, 33.0)


def test_results_come_back_and_read_well(tmp_path: Path) -> None:
    one = results()
    one.save(tmp_path / "results.json")
    assert Results.load(tmp_path / "results.json") == one
    assert one.cost == 990
    row = table([one])[-1]
    assert row == "| TSM | 8 x 10 x 3 | 50.0 | 90.0 | 40.0 | 23.60 M | 33.00 x 30 |"
    assert "| mean of 2 | | 60.0 |" in mean_row([one, results(top=0.7)])
    text = report(one, np.array([[3, 1], [2, 4]]), ["jump", "run"], ["confusion.png"])
    assert "| jump / run | 3 | 30.0 % |" in text and "100 test videos, 2 left out" in text
    (tmp_path / "results.json").write_text('{"name": "x"}')
    with pytest.raises(ValueError, match="no results of the command assess"):
        Results.load(tmp_path / "results.json")


def test_plots_are_drawn(tmp_path: Path) -> None:
    matrix = np.array([[9, 1], [0, 10]])
    confusion_plot(matrix, ["one", "two"], tmp_path / "a/confusion.png")
    cost_plot([results(), results("TSN", 0.3)], tmp_path / "cost.png")
    model = system("TSM+ART", "order")
    clip = torch.randint(0, 256, (8, 32, 32, 3), dtype=torch.uint8)
    attention_of(model, clip, ["a", "b", "c", "d"], tmp_path / "attention.png")
    for name in ("a/confusion.png", "cost.png", "attention.png"):
        picture = cv2.imread(str(tmp_path / name))
        assert min(picture.shape[:2]) > 200 and picture.std() > 5
    with pytest.raises(ValueError, match="no ART head"):
        attention_of(system("TSM", "order"), clip, ["a"] * 4, tmp_path / "no.png")
