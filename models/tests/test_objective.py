"""Every loss term against a naive loop, and what may not get a gradient."""

import math

import pytest
import torch
from conftest import LABELS
from test_art import made_head
from test_video import made, pictures
from torch import Tensor

from artmodels.art.bank import SemanticsBank, winners
from artmodels.art.losses import soft_cross_entropy
from artmodels.config import Config
from artmodels.labels import Attributes
from artmodels.objective import (
    attribute_loss,
    box_loss,
    inside_loss,
    readout_terms,
    rotation_loss,
    smoothed,
)
from artmodels.targets import FrameTargets, WindowTargets
from artmodels.temporal import FrameReadout
from artmodels.text import random_bank

BATCH, FRAMES = 3, 4


def made_target() -> WindowTargets:
    """Random truth, some of it unknown."""
    torch.manual_seed(1)
    low = torch.rand(BATCH, FRAMES, 2) * 0.5
    frames = FrameTargets(
        pose=torch.randn(BATCH, FRAMES, 8),
        posed=torch.rand(BATCH, FRAMES) < 0.6,
        phase=torch.randint(4, (BATCH, FRAMES)),
        body=torch.cat([low, low + 0.4], dim=-1),
        seen=torch.rand(BATCH, FRAMES) < 0.6,
        parts=torch.zeros(BATCH, FRAMES, 1, 4),
    )
    rotating = torch.ones(BATCH, FRAMES, dtype=torch.bool)
    rotating[1, 2] = False
    return WindowTargets(
        frames=frames,
        classes=torch.softmax(torch.randn(BATCH, 4), dim=-1),
        attributes=torch.tensor([[0, 0, 0, 0], [1, 1, 0, 0], [2, 0, 1, 1]]),
        weight=torch.tensor([1.0, 0.4, 0.0]),
        rotation=torch.randn(BATCH, FRAMES, 2) * 0.3,
        rotating=rotating,
    )


def log_softmax(scores: list[float]) -> list[float]:
    total = math.log(sum(math.exp(s) for s in scores))
    return [s - total for s in scores]


def cosine(a: Tensor, b: Tensor) -> float:
    return (a @ b / (a.norm() * b.norm())).item()


def test_cross_entropy_with_smoothed_distributions() -> None:
    torch.manual_seed(0)
    logits, target = torch.randn(BATCH, 4), made_target().classes
    total = 0.0
    for b in range(BATCH):
        logs = log_softmax(logits[b].tolist())
        total -= sum((0.9 * target[b, c].item() + 0.1 / 4) * logs[c] for c in range(4))
    got = soft_cross_entropy(logits, smoothed(target, 0.1)).item()
    assert got == pytest.approx(total / BATCH, abs=1e-5)


def test_bank_losses_take_the_best_prompt_of_every_class() -> None:
    torch.manual_seed(0)
    bank = SemanticsBank(random_bank(4, 6), temperature=0.5)
    with torch.no_grad():
        bank.agent += 0.1 * torch.randn_like(bank.agent)
    video, prototypes, target = torch.randn(BATCH, 6), torch.randn(4, 6), made_target().classes
    prompts = range(len(bank.agent))

    def scores(vector: Tensor) -> list[float]:
        return [max(cosine(vector, bank.agent[n, c]) for n in prompts) / 0.5 for c in range(4)]

    by_video = -sum(
        target[b, c].item() * log_softmax(scores(video[b]))[c]
        for b in range(BATCH)
        for c in range(4)
    )
    by_class = -sum(log_softmax(scores(prototypes[c]))[c] for c in range(4))
    got = bank.consistency(video, target, prototypes)
    assert got[0].item() == pytest.approx(by_video / BATCH, abs=1e-5)
    assert got[1].item() == pytest.approx(by_class / 4, abs=1e-5)


def test_winners_are_the_best_classes_by_their_best_prompts() -> None:
    torch.manual_seed(0)
    similarity = torch.randn(2, 3, 5)
    flat, classes = winners(similarity, 2)
    for b in range(2):
        best = {c: max(similarity[b, p, c].item() for p in range(3)) for c in range(5)}
        want = sorted(best, key=best.get, reverse=True)[:2]
        assert classes[b].tolist() == want
        assert similarity[b].flatten()[flat[b]].tolist() == [best[c] for c in want]


def test_nothing_but_its_own_step_moves_the_slow_bank() -> None:
    torch.manual_seed(0)
    bank = SemanticsBank(random_bank(4, 6))
    before = bank.slow.clone()
    assert [name for name, _ in bank.named_parameters()] == ["agent"]
    video = torch.randn(BATCH, 6, requires_grad=True)
    entries = bank.slow.flatten(0, 1)[bank.select(video, 2)[0]]
    assert not entries.requires_grad and bank.slow.grad is None
    optimiser = torch.optim.SGD(bank.parameters(), lr=1.0)
    sum(bank.consistency(video, made_target().classes, torch.randn(4, 6))).backward()
    optimiser.step()
    assert torch.equal(bank.slow, before) and not torch.equal(bank.agent, before)
    bank.step()
    assert not torch.equal(bank.slow, before)


def test_attributes_count_by_the_weight_of_their_dive() -> None:
    torch.manual_seed(0)
    attributes, target = Attributes.of(LABELS[:-1]), made_target()
    scores = torch.randn(BATCH, sum(attributes.sizes))
    total, start = 0.0, 0
    for a, size in enumerate(attributes.sizes):
        for b in range(BATCH):
            logs = log_softmax(scores[b, start : start + size].tolist())
            total -= logs[target.attributes[b, a]] * target.weight[b].item()
        start += size
    got = attribute_loss(scores, target, attributes).item()
    assert got == pytest.approx(total / len(attributes.sizes) / 1.4, abs=1e-5)


def test_readouts_count_where_a_pose_is_known() -> None:
    torch.manual_seed(0)
    readout, vectors, target = FrameReadout(6), torch.randn(BATCH, FRAMES, 6), made_target()
    pose, phase = readout(vectors)
    errors, logs = [], []
    for b in range(BATCH):
        for t in range(FRAMES):
            logs.append(-log_softmax(phase[b, t].tolist())[target.frames.phase[b, t]])
            if target.frames.posed[b, t]:
                gap = pose[b, t] - target.frames.pose[b, t]
                errors.append((gap @ gap).item() / 8)
    got = readout_terms(readout, vectors, target)
    assert got[0].item() == pytest.approx(sum(errors) / len(errors), abs=1e-5)
    assert got[1].item() == pytest.approx(sum(logs) / len(logs), abs=1e-5)


def test_rotation_counts_by_step_and_by_running_sum_until_it_is_unknown() -> None:
    target = made_target()
    rotation = torch.randn(BATCH, FRAMES, 2) * 0.3
    steps, totals = [], []
    for b in range(BATCH):
        whole = True
        for t in range(FRAMES):
            if target.rotating[b, t]:
                gap = (rotation[b, t] - target.rotation[b, t]).abs()
                steps.append(gap.mean().item())
            whole = whole and bool(target.rotating[b, t])
            if whole:
                far = (rotation[b, : t + 1].sum(0) - target.rotation[b, : t + 1].sum(0)).abs()
                smooth = [x * x / 0.2 if x < 0.1 else x - 0.05 for x in far.tolist()]
                totals.append(sum(smooth) / 2)
    want = sum(steps) / len(steps) + sum(totals) / len(totals)
    assert rotation_loss(rotation, target).item() == pytest.approx(want, abs=1e-5)


def test_attention_and_boxes_count_where_a_body_is_seen() -> None:
    torch.manual_seed(0)
    target, queries, cells = made_target(), 2, 4
    shape = (BATCH, queries, FRAMES, cells, cells)
    attention = torch.softmax(torch.randn(shape).flatten(3), dim=-1).view(shape)
    boxes = torch.rand(BATCH, queries, FRAMES, 4)
    masses, gaps = [], []
    for b in range(BATCH):
        for t in range(FRAMES):
            if not target.frames.seen[b, t]:
                continue
            x0, y0, x1, y1 = target.frames.body[b, t].tolist()
            true = torch.tensor([(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0])
            gaps.append((boxes[b, 0, t] - true).abs().mean().item())
            for k in range(queries):
                mass = sum(
                    attention[b, k, t, y, x].item()
                    for y in range(cells)
                    for x in range(cells)
                    if x / cells < x1 and (x + 1) / cells > x0
                    if y / cells < y1 and (y + 1) / cells > y0
                )
                masses.append(-math.log(mass))
    assert inside_loss(attention, target).item() == pytest.approx(
        sum(masses) / len(masses), abs=1e-5
    )
    assert box_loss(boxes, target).item() == pytest.approx(sum(gaps) / len(gaps), abs=1e-5)


def test_aggregation_weights_sum_to_one_in_both_heads(config: Config) -> None:
    relevance = made_head(config).eval()(torch.randn(2, 6, 5, 3, 3)).relevance
    assert torch.allclose(relevance.sum(-1), torch.ones(2, 2), atol=1e-5)
    model = made(head={"kind": "art"}).eval()
    relevance = model(pictures(model)).regions.relevance
    assert relevance.shape == (2, 2, 4) and relevance.min() >= 0
    assert torch.allclose(relevance.sum(-1), torch.ones(2, 2), atol=1e-5)
