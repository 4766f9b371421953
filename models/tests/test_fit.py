"""The trainer: what a step does, interruption at any moment, several processes, the log."""

import math
import os
import random
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import forks
import numpy as np
import pytest
import torch
import trees
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from artmodels import config as configs
from artmodels.data import read
from artmodels.dsts.norm import RoutedBatchNorm
from artmodels.sprites import clips
from artmodels.sprites.systems import system
from artmodels.training import FitConfig, Processes, Trainer, VideoLearner
from artmodels.training.groups import groups, optimiser
from artmodels.training.order import Order, SeededItems
from artmodels.training.recipe import FitRecipe, subject_of
from artmodels.training.schedule import schedule
from artmodels.training.statistics import share_statistics
from artmodels.video import VideoModel

BASE = FitConfig(epochs=3, batch=4, lr=0.05, milestones=(2,), workers=0, checkpoint=4, log=1)


class Points(Dataset):
    """Noisy vectors of four classes; ``before`` is called with the number of items given so far."""

    def __init__(self, count: int = 22, before: Callable[[int], None] | None = None) -> None:
        self.count, self.before, self.given = count, before, 0

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        if self.before:
            self.before(self.given)
        self.given += 1
        noise = torch.randn(6) + random.random() + torch.from_numpy(np.random.randn(6)).float()
        return 0.1 * noise + index % 4, index % 4


class Plain(nn.Module):
    """A small classifier with dropout and, unless told otherwise, batch norm."""

    def __init__(self, dropout: float = 0.2, norm: bool = True) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8) if norm else nn.LayerNorm(8))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(8, 4)

    def forward(self, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
        return {"class": F.cross_entropy(self.head(self.dropout(self.body(x).relu())), labels)}


class Sprites(Dataset):
    """Fixed clips of the order task."""

    def __init__(self, count: int = 12) -> None:
        self.frames, self.labels = clips("order", count, 3)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return torch.from_numpy(self.frames[index]), int(self.labels[index])


def plain(**options: object) -> Plain:
    torch.manual_seed(5)
    return Plain(**options)


def whole() -> VideoLearner:
    """A network with every part that a trainer treats specially."""
    torch.manual_seed(5)
    return VideoLearner(system("TSM+DSTS+ART", "order"), 4)


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    for key, value in one.items():
        assert torch.equal(value, other[key]), key


def dies(at: int) -> Callable[[int], None]:
    def before(given: int) -> None:
        if given == at:
            os.kill(os.getpid(), signal.SIGKILL)

    return before


@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
@pytest.mark.parametrize("at", [30, 51])
def test_a_killed_run_ends_with_the_weights_of_an_unbroken_one(
    optimiser: str, at: int, tmp_path: Path
) -> None:
    config = replace(BASE, optimiser=optimiser, accumulate=2, warmup=0.5, clip=1.0)
    unbroken = Trainer(plain(), Points(), config, tmp_path / "unbroken")
    unbroken.run()

    def killed() -> None:
        Trainer(plain(), Points(before=dies(at)), config, tmp_path / "killed").run()

    assert forks.alone(killed) == -signal.SIGKILL
    resumed = Trainer(Plain(), data := Points(), config, tmp_path / "killed")
    resumed.run()
    assert data.given < 60
    same(resumed.learner.state_dict(), unbroken.learner.state_dict())


def test_so_does_a_whole_network_with_banks_and_deciding_neurons(tmp_path: Path) -> None:
    config = replace(BASE, epochs=2, learning="upstream-downstream", lr=0.01, checkpoint=2)
    unbroken = Trainer(whole(), Sprites(8), config, tmp_path / "unbroken")
    start = {key: value.clone() for key, value in unbroken.learner.state_dict().items()}
    unbroken.run()

    def killed() -> None:
        trainer = Trainer(whole(), Sprites(8), config, tmp_path / "killed")
        learn = trainer._learn

        def dying(*of: object) -> None:
            learn(*of)
            if trainer.step == 2:
                os.kill(os.getpid(), signal.SIGKILL)

        trainer._learn = dying
        trainer.run()

    assert forks.alone(killed) == -signal.SIGKILL
    resumed = Trainer(whole(), Sprites(8), config, tmp_path / "killed")
    resumed.run()
    end = resumed.learner.state_dict()
    same(end, unbroken.learner.state_dict())
    for part in ("scores", "gates.g", "slow", "agent"):
        moved = [not torch.equal(end[k], start[k]) for k in start if k.endswith(part)]
        assert moved and all(moved), part


def test_workers_change_nothing(tmp_path: Path) -> None:
    alone = Trainer(plain(), Points(), BASE, tmp_path / "alone")
    alone.run()
    helped = Trainer(plain(), Points(), replace(BASE, workers=2), tmp_path / "helped")
    helped.run()
    same(alone.learner.state_dict(), helped.learner.state_dict())


def test_a_finished_run_is_not_repeated(tmp_path: Path) -> None:
    Trainer(plain(), Points(), BASE, tmp_path).run()
    again = Trainer(plain(), data := Points(), BASE, tmp_path)
    again.run()
    assert data.given == 0 and again.step == 15


def test_the_state_of_another_run_is_refused(tmp_path: Path) -> None:
    Trainer(plain(), Points(), BASE, tmp_path).run()
    with pytest.raises(ValueError, match=r"resume\.pt.*another run: lr was 0.05 and is 0.1 now"):
        Trainer(plain(), Points(), replace(BASE, lr=0.1), tmp_path).run()
    Trainer(plain(), Points(), replace(BASE, lr=0.1), tmp_path).run(resume=False)


def test_so_is_the_state_of_another_recipe_or_list_of_clips(tmp_path: Path) -> None:
    def run(root: Path, variant: str = "1", text: str = "") -> None:
        path = tmp_path / "recipe.toml"
        path.write_text(f'[dataset]\nkind = "hmdb51"\nvariant = "{variant}"\n{text}')
        recipe = configs.load(path, FitRecipe)
        about = subject_of(recipe, read(recipe.dataset, root, "train"))
        Trainer(plain(), Points(), BASE, tmp_path / "run", subject=about).run()

    data, moved = tmp_path / "data", tmp_path / "moved"
    trees.hmdb51(data)
    run(data)
    shutil.copytree(data, moved)
    run(moved, text="[views]\ncrops = 3\n")
    with pytest.raises(ValueError, match=r"\[dataset\] variant was '1' and is '2' now"):
        run(data, "2")
    with pytest.raises(ValueError, match=r"\[head\] kind was 'average' and is 'art' now"):
        run(data, text='[head]\nkind = "art"\n')
    labels = data / "annotations/wave_test_split1.txt"
    labels.write_text(labels.read_text().replace(" 2 ", " 1 "))
    with pytest.raises(ValueError, match="digest of the clips was"):
        run(data)


def together(
    config: FitConfig,
    out: Path,
    model: Callable[[], nn.Module],
    data: Callable[[], Dataset] = Points,
) -> None:
    """Train in two processes that talk by Gloo; each leaves its weights."""

    def work(rank: int) -> None:
        processes = Processes.joined("cpu")
        trainer = Trainer(model(), data(), config, out, processes=processes)
        trainer.run()
        given = getattr(trainer.data, "given", None)
        torch.save((trainer.learner.state_dict(), given), f"{out}.{rank}")
        processes.leave()

    forks.together(work)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_two_processes_learn_what_one_does(accumulate: int, tmp_path: Path) -> None:
    config = replace(BASE, accumulate=accumulate, clip=0.5)

    def model() -> Plain:
        return plain(dropout=0.0, norm=False)

    one = Trainer(model(), Points(), config, tmp_path / "one")
    one.run()
    together(config, tmp_path / "two", model)
    found = [torch.load(f"{tmp_path / 'two'}.{rank}") for rank in range(2)]
    assert [given for _, given in found] == [30, 30]
    same(found[0][0], found[1][0])
    for key, value in one.learner.state_dict().items():
        assert torch.allclose(found[0][0][key], value, atol=1e-6), key
    assert len(list((tmp_path / "two").glob("events*"))) == 1


def test_two_processes_decide_alike(tmp_path: Path) -> None:
    config = replace(BASE, epochs=1, learning="upstream-downstream", lr=0.01)
    together(config, tmp_path / "two", whole, lambda: Sprites(8))
    found = [torch.load(f"{tmp_path / 'two'}.{rank}")[0] for rank in range(2)]
    start = whole().state_dict()
    same(found[0], found[1])
    assert not torch.equal(
        found[0]["model.neck.layers.0.gates.g"], start["model.neck.layers.0.gates.g"]
    )
    assert [e.histogram_value.num for e in logged(tmp_path / "two").Histograms("usage/layer0")] == [
        8
    ]


def test_statistics_are_those_of_the_clips_of_all_processes(tmp_path: Path) -> None:
    clips = torch.randn(8, 3, 5, generator=torch.Generator().manual_seed(1))
    neuron = torch.tensor([0, 0, 0, 1, 1, 2, 1, 1])  # of a clip; four clips a process
    shares = [slice(0, 4), slice(4, 8)]

    def statistics(share: slice) -> RoutedBatchNorm:
        norm = RoutedBatchNorm(4, 3)
        for n in range(4):
            norm(clips[share], n, neuron[share] == n)
        return norm

    def work(rank: int) -> None:
        learner = nn.ModuleList([statistics(shares[rank]), nn.BatchNorm1d(3)])
        learner[1](clips[shares[rank]])
        share_statistics(learner, Processes.joined("cpu"))
        torch.save((learner.state_dict(), learner[0].seen), tmp_path / str(rank))

    forks.together(work)
    (one, seen), (other, _) = (torch.load(tmp_path / str(rank)) for rank in range(2))
    same(one, other)
    assert (seen == 0).all()
    alone = [statistics(share) for share in shares]
    mean, var = one["0.running_mean"], one["0.running_var"]
    assert torch.allclose(mean[0], alone[0].running_mean[0])
    assert torch.allclose(var[2], alone[1].running_var[2])
    for found, key in ((mean, "running_mean"), (var, "running_var")):
        parts = [getattr(norm, key)[1] for norm in alone]
        assert torch.allclose(found[1], 0.25 * parts[0] + 0.75 * parts[1])
    assert torch.allclose(mean[1], 0.1 * clips[neuron == 1].mean((0, 2)))
    assert (mean[3] == 0).all() and (var[3] == 1).all()
    assert torch.allclose(one["1.running_mean"], 0.1 * clips.mean((0, 2)))


def test_a_run_of_two_processes_is_taken_up(tmp_path: Path) -> None:
    together(BASE, tmp_path / "whole", plain)
    out = tmp_path / "broken"
    part = replace(BASE, epochs=2)
    together(part, out, plain)
    state = torch.load(out / "resume.pt", weights_only=True)
    state["run"]["epochs"] = 3
    torch.save(state, out / "resume.pt")
    together(BASE, out, plain)
    for rank in range(2):
        same(torch.load(f"{out}.{rank}")[0], torch.load(f"{tmp_path / 'whole'}.{rank}")[0])


def test_an_order_is_a_partition() -> None:
    alone = [key for batch in Order(22, 8, 1).between(0, 6) for key in batch]
    shares = [list(Order(22, 8, 1, 0, rank, 2, 2).between(0, 6)) for rank in range(2)]
    assert [len(batch) for batch in shares[0]] == [2] * 12
    merged = [
        key
        for step in range(6)
        for share in shares
        for batch in share[2 * step : 2 * step + 2]
        for key in batch
    ]
    assert merged == alone
    for epoch in range(3):
        drawn = [item for e, item in alone if e == epoch]
        assert len(drawn) == len(set(drawn)) == 16
    assert [i for e, i in alone if e == 0] != [i for e, i in alone if e == 1]
    assert list(Order(22, 8, 1).between(3, 6)) == list(Order(22, 8, 1).between(0, 6))[3:]


def test_impossible_batches_are_refused() -> None:
    with pytest.raises(ValueError, match="batch 6 cannot be shared by 2 processes with 2 parts"):
        Order(22, 6, 1, 0, 0, 2, 2)
    with pytest.raises(ValueError, match="5 clips fill no batch of 8"):
        Order(5, 8, 1)


def test_items_have_random_numbers_of_their_own() -> None:
    data = SeededItems(Points(), 3, 0)
    torch.manual_seed(1)
    random.seed(1)
    first = data[0, 7][0]
    after = torch.rand(1), random.random()
    torch.manual_seed(1)
    random.seed(1)
    assert (torch.rand(1), random.random()) == after
    assert torch.equal(data[0, 7][0], first)
    assert not torch.equal(data[1, 7][0], first)
    assert not torch.equal(SeededItems(Points(), 4, 0)[0, 7][0], first)


def test_groups_follow_the_papers() -> None:
    model = nn.ModuleDict({"body": plain().body, "head": nn.Linear(8, 4)})
    config = replace(BASE, lr=0.1, bias_lr=2.0, fresh_lr=10.0, weight_decay=0.01)
    found = {
        g["name"]: (g["lr"], g["weight_decay"], len(g["params"])) for g in groups(model, config)
    }
    assert found == {
        "body/plain": (0.1, 0.01, 1),
        "body/bias": (0.2, 0.0, 1),
        "body/norm": (0.1, 0.0, 2),
        "fresh/plain": (1.0, 0.01, 1),
        "fresh/bias": (2.0, 0.0, 1),
    }
    network = system("TSN+DSTS+ART", "order")
    parts = groups(network, config)
    assert sum(len(g["params"]) for g in parts) == len(list(network.parameters()))
    plain_ones = {id(p) for g in parts if g["name"].endswith("plain") for p in g["params"]}
    assert not plain_ones & {id(p) for p in network.neck.upstream()}
    model.requires_grad_(False)
    with pytest.raises(ValueError, match="every parameter is frozen"):
        groups(model, config)


def rates(config: FitConfig, an_epoch: int) -> list[float]:
    steps = optimiser(plain(), config)
    along = schedule(steps, config, an_epoch)
    found = []
    for _ in range(config.epochs * an_epoch):
        found.append(steps.param_groups[0]["lr"])
        steps.step()
        along.step()
    return found


def test_schedules() -> None:
    base = replace(BASE, epochs=5, lr=1.0, warmup=0.5, milestones=(2, 4), gamma=0.1)
    assert rates(base, 4) == pytest.approx([0.5, 1, *[1] * 6, *[0.1] * 8, *[0.01] * 4])
    found = rates(replace(base, schedule="cosine", warmup=1, floor=0.1), 4)
    assert found[:4] == pytest.approx([0.25, 0.5, 0.75, 1])
    assert found[12] == pytest.approx(0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * 8 / 16)))
    assert found[-1] > 0.1 and found == sorted(found[:4]) + sorted(found[4:], reverse=True)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_mixed_precision_learns(precision: str, tmp_path: Path) -> None:
    config = replace(BASE, epochs=20, milestones=(15,), precision=precision)
    trainer = Trainer(plain(dropout=0.0), Points(), config, tmp_path)
    seen = []
    trainer.learner.head.register_forward_hook(lambda _, __, out: seen.append(out.dtype))
    trainer.run()
    assert set(seen) == {torch.bfloat16 if precision == "bf16" else torch.float16}
    assert trainer.learner.head.weight.dtype == torch.float32
    if precision == "fp16":
        assert torch.load(tmp_path / "resume.pt", weights_only=True)["scaler"]["scale"] > 1
    trainer.learner.eval()
    with torch.no_grad():
        x, labels = next(iter(DataLoader(Points(200), 200)))
        assert trainer.learner(x, labels)["class"] < 0.6


def test_a_whole_network_learns_in_mixed_precision(tmp_path: Path) -> None:
    torch.manual_seed(5)
    learner = VideoLearner(system("TSM+TCM+DSTS+ART", "order"), 4)
    config = replace(BASE, epochs=1, precision="bf16")
    Trainer(learner, Sprites(4), config, tmp_path).run()


def logged(folder: Path) -> EventAccumulator:
    log = EventAccumulator(str(folder), {"histograms": 0})
    log.Reload()
    return log


def test_the_log_has_losses_rates_and_neurons(tmp_path: Path) -> None:
    scores = iter([0.25, 0.5])
    config = replace(BASE, epochs=2, clip=1.0)
    learner = whole()

    def validate() -> dict[str, float]:
        learner.model(torch.from_numpy(clips("order", 4, 3)[0]))
        return {"top-1": next(scores)}

    Trainer(learner, Sprites(), config, tmp_path, validate=validate).run()
    log = logged(tmp_path)
    assert [e.value for e in log.Scalars("val/top-1")] == [0.25, 0.5]
    assert [e.step for e in log.Scalars("train/loss")] == [1, 2, 3, 4, 5, 6]
    assert {"train/final", "train/tracklet", "train/gradient", "lr/fresh/plain"} <= set(
        log.Tags()["scalars"]
    )
    used = log.Histograms("usage/layer0")
    assert [e.histogram_value.num for e in used] == [12, 12]


def test_logged_losses_are_means_over_the_clips_of_a_step(tmp_path: Path) -> None:
    first = {}
    for name, changed in {
        "whole": {},
        "clipped": {"clip": 1.0},
        "in parts": {"clip": 1.0, "accumulate": 2},
    }.items():
        config = replace(BASE, epochs=1, **changed)
        Trainer(plain(dropout=0.0, norm=False), Points(), config, tmp_path / name).run()
        first[name] = logged(tmp_path / name).Scalars("train/loss")[0].value
    assert first["clipped"] == first["whole"]
    assert first["in parts"] == pytest.approx(first["whole"], rel=1e-5)


@pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler")
def test_a_step_that_overflows_is_passed_by(tmp_path: Path) -> None:
    config = replace(BASE, precision="fp16", clip=1.0)
    trainer = Trainer(plain(), Points(), config, tmp_path)
    trainer.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**30)
    trainer.run()
    assert trainer.scaler.get_scale() < 2.0**30
    found = logged(tmp_path)
    steps = [len(found.Scalars(f"train/{key}")) for key in ("loss", "gradient")]
    assert steps[0] == 15 > steps[1] > 0


def test_losses_that_are_not_finite_end_the_run(tmp_path: Path) -> None:
    learner = plain()
    nn.init.constant_(learner.head.weight, math.nan)
    with pytest.raises(FloatingPointError, match="step 1: losses are not finite"):
        Trainer(learner, Points(), BASE, tmp_path).run()


def test_deciding_apart_needs_something_that_decides(tmp_path: Path) -> None:
    config = replace(BASE, learning="upstream-downstream")
    with pytest.raises(ValueError, match="needs a DSTS neck"):
        Trainer(plain(), Points(), config, tmp_path)
    with pytest.raises(ValueError, match="accumulate must be 1"):
        replace(config, accumulate=2)


@pytest.mark.parametrize(
    ("key", "value"),
    [("optimiser", "adam"), ("schedule", "poly"), ("precision", "int8"), ("batch", 0)],
)
def test_unknown_words_are_refused(key: str, value: object) -> None:
    with pytest.raises(ValueError, match=key):
        replace(BASE, **{key: value})


def test_cached_features_train_the_rest(tmp_path: Path) -> None:
    model: VideoModel = system("TSN+ART", "order").eval()
    frames, labels = clips("order", 8, 3)
    with torch.no_grad():
        flat = model.backbone.each_frame(torch.from_numpy(frames).flatten(0, 1))
    data = list(zip(flat.unflatten(0, (8, 8)), labels.tolist(), strict=True))
    before = {key: value.clone() for key, value in model.state_dict().items()}
    model.backbone.requires_grad_(False)
    Trainer(VideoLearner(model, 4, cached=True), data, replace(BASE, epochs=1), tmp_path).run()
    after = model.state_dict()
    for key, value in before.items():
        if key.startswith("backbone"):
            assert torch.equal(after[key], value), key
    assert not torch.equal(after["head.project.weight"], before["head.project.weight"])
