"""Scores against naive counts, costs against known ones, protocols, results that come back."""

import os
import socket
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import trees
from test_fit import FORK

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
from artmodels.video import VideoModel


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


def tested(root: Path, clips: int, crops: int, batch: int, processes: Processes | None = None):  # noqa: ANN201
    listing = read(DatasetConfig("diving48"), root, "test")
    views = ViewsConfig(clips, crops, resize=(32,))
    data = TestClips(listing, 4, 32, SamplingConfig("dense", 8), views, Unreadable())
    return data, predict(Brightness(), data, batch, processes=processes, progress=False)


@pytest.mark.parametrize(("clips", "crops"), [(1, 1), (2, 3), (10, 3)])
def test_views_are_averaged(clips: int, crops: int, tmp_path: Path) -> None:
    trees.diving48(tmp_path, 3)
    data, one = tested(tmp_path, clips, crops, batch=4)
    for row, label, item in zip(one.scores, one.labels, one.items, strict=True):
        views, truth = data[int(item)]
        assert views.shape == (clips * crops, 4, 32, 32, 3) and truth == label
        want = torch.stack([Brightness()(view[None]).logits[0].softmax(0) for view in views])
        assert np.allclose(row, want.mean(0), atol=1e-6)


def test_processes_share_the_videos(tmp_path: Path) -> None:
    trees.diving48(tmp_path, 5)
    (tmp_path / "videos/-mmq0PT_u8k_00006.mp4").unlink()
    with pytest.warns(UserWarning, match="00006"):
        alone = tested(tmp_path, 2, 1, 8)[1]
    assert alone.left_out == 1 and alone.items.tolist() == [0, 2, 3, 4]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def work(rank: int) -> None:
        os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        processes = Processes.joined("cpu")
        one = tested(tmp_path, 2, 1, 8, processes)[1]
        np.savez(tmp_path / f"{rank}.npz", scores=one.scores, items=one.items)
        processes.leave()

    workers = [FORK.Process(target=work, args=(rank,)) for rank in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
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
        tested(tmp_path, 1, 1, 1)


def test_costs_of_a_known_network() -> None:
    model: VideoModel = system("TSN", "order")
    model.backbone.steps = torch.nn.ModuleDict({"res2": torch.nn.Conv2d(3, 32, 3, padding=1)})
    model.backbone.split = 1
    model.head.linear = torch.nn.Linear(32, 4)
    frames, size = model.config.data.frames, 32
    want = frames * (size * size * 32 * 27 + 32 * 4)
    assert gmacs(model, size) == pytest.approx(want / 1e9, rel=1e-6)
    assert parameters(model) == 32 * 27 + 32 + 32 * 4 + 4


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
