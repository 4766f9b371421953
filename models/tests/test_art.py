"""ART against naive loops and against what the paper says about gradients."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from artmodels.art.bank import SemanticsBank
from artmodels.art.head import ArtHead, TextSemantics
from artmodels.art.losses import (
    active_hinges,
    soft_cross_entropy,
    spatial_loss,
    temporal_loss,
    tracklet_loss,
)
from artmodels.art.semantics import RegionQueries
from artmodels.art.tracklets import aggregate, attention_boxes, saliency, uniform
from artmodels.config import BankConfig, Config
from artmodels.labels import Attributes
from artmodels.objective import art_terms
from artmodels.targets import FrameTargets, WindowTargets
from artmodels.text import random_bank
from artmodels.video.config import VideoHeadConfig
from artmodels.video.region_head import RegionHead

NAMES = ["Back+15som+NoTwis+PIKE", "Forward+1som+NoTwis+PIKE", "Reverse+15som+05Twis+FREE"]


def cosine(a: Tensor, b: Tensor) -> float:
    return (a @ b / (a.norm() * b.norm())).item()


def made_head(config: Config, grid: int = 3, channels: int = 5) -> ArtHead:
    torch.manual_seed(0)
    bank, attributes = random_bank(4, 12), Attributes.of(NAMES)
    return ArtHead(
        channels,
        grid,
        config.data.frames,
        bank,
        attributes,
        config.encoder,
        config.head,
        config.bank,
    )


def made_target(batch: int, frames: int) -> WindowTargets:
    at = FrameTargets(
        pose=torch.randn(batch, frames, 8),
        posed=torch.ones(batch, frames, dtype=torch.bool),
        phase=torch.ones(batch, frames, dtype=torch.long),
        body=torch.tensor([0.2, 0.3, 0.6, 0.9]).expand(batch, frames, 4),
        seen=torch.ones(batch, frames, dtype=torch.bool),
        parts=torch.zeros(batch, frames, 1, 4),
    )
    return WindowTargets(
        frames=at,
        classes=F.one_hot(torch.arange(batch) % 4, 4).float(),
        attributes=torch.zeros(batch, 4, dtype=torch.long),
        weight=torch.ones(batch),
        rotation=torch.randn(batch, frames, 2),
        rotating=torch.ones(batch, frames, dtype=torch.bool),
    )


@pytest.mark.parametrize("clamp", [False, True])
def test_spatial_and_tracklet_losses_equal_loops(clamp: bool) -> None:
    r = torch.randn(2, 4, 3, 5)
    total = 0.0
    for b in range(2):
        for t in range(4):
            for i in range(3):
                for j in range(3):
                    value = cosine(r[b, t, i], r[b, t, j])
                    total += (max(value, 0.0) if clamp else value) if i != j else 0.0
    assert spatial_loss(r, clamp).item() == pytest.approx(total / (2 * 4 * 6), abs=1e-6)
    total = 0.0
    for b in range(2):
        means = [sum(r[b, t, k] for t in range(4)) / 4 for k in range(3)]
        for i in range(3):
            for j in range(3):
                value = cosine(means[i], means[j])
                total += (max(value, 0.0) if clamp else value) if i != j else 0.0
    assert tracklet_loss(r, clamp).item() == pytest.approx(total / (2 * 6), abs=1e-6)


def test_temporal_loss_equals_loop_and_is_zero_when_alike() -> None:
    r = torch.randn(2, 4, 3, 5)
    total = sum(
        max(0.0, 0.6 - cosine(r[b, t, k], r[b, t + 1, k]))
        for b in range(2)
        for t in range(3)
        for k in range(3)
    )
    assert temporal_loss(r, 0.6).item() == pytest.approx(total / (2 * 3 * 3), abs=1e-6)
    assert temporal_loss(r[:, :1].expand(-1, 4, -1, -1), 0.6).item() == 0


def test_one_query_has_nothing_to_repel() -> None:
    r = torch.randn(2, 4, 1, 5)
    assert spatial_loss(r).item() == tracklet_loss(r).item() == 0


def test_soft_cross_entropy_equals_the_hard_one_on_one_hot() -> None:
    logits, labels = torch.randn(5, 4), torch.tensor([0, 3, 1, 1, 2])
    want = F.cross_entropy(logits, labels)
    assert torch.allclose(soft_cross_entropy(logits, F.one_hot(labels, 4).float()), want)


def test_saliency_equals_loop_and_sums_to_one() -> None:
    r, s = torch.randn(2, 4, 3, 5), torch.randn(2, 3, 5)
    w = saliency(r, s, 0.1)
    for b in range(2):
        for k in range(3):
            want = [0.0] * 4
            for j in range(3):
                scores = [math.exp(cosine(r[b, t, k], s[b, j]) / 0.1) for t in range(4)]
                want = [a + e / sum(scores) / 3 for a, e in zip(want, scores, strict=True)]
            assert w[b, :, k].tolist() == pytest.approx(want, abs=1e-5)
    assert torch.allclose(w.sum(1), torch.ones(2, 3))
    want = sum(w[0, t, 1] * r[0, t, 1] for t in range(4))
    assert torch.allclose(aggregate(r, w)[0, 1], want, atol=1e-6)


def test_mixed_precision_ranks_texts_and_frames_like_full_precision() -> None:
    torch.manual_seed(0)
    alike = F.normalize(1 + 0.05 * torch.randn(2, 48, 64), dim=-1)
    bank, videos = SemanticsBank(alike), alike[0, :8] + 0.01 * torch.randn(8, 64)
    r, s = torch.randn(2, 4, 3, 64), torch.randn(2, 3, 64)
    ranked, _ = bank.select(videos, 8)
    weights = saliency(r, s, 0.01)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(bank.select(videos, 8)[0], ranked)
        assert torch.equal(saliency(r, s, 0.01), weights)
        assert torch.equal(saliency(r.bfloat16(), s, 0.01), saliency(r.bfloat16().float(), s, 0.01))


def test_a_patch_of_attention_becomes_its_box() -> None:
    attention = torch.full((10, 10), 1e-3)
    attention[2:6, 5:8] = 1.0
    cx, cy, w, h = attention_boxes(attention, extent=math.sqrt(12)).tolist()
    assert (cx, cy, w, h) == pytest.approx((0.65, 0.4, 0.3, 0.4), abs=1e-3)


def test_boxes_stay_inside_the_picture() -> None:
    attention = torch.rand(50, 6, 8)
    boxes = attention_boxes(
        torch.cat([attention, torch.zeros(1, 6, 8), torch.eye(8)[:1].expand(1, 6, 8)])
    )
    low, high = boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2
    assert torch.isfinite(boxes).all() and (low >= -1e-6).all() and (high <= 1 + 1e-6).all()


def test_shapes(config: Config) -> None:
    out = made_head(config).eval()(torch.randn(2, 6, 5, 3, 3))
    assert out.logits.shape == (2, 4)
    assert out.attention.shape == (2, 2, 6, 3, 3)
    assert torch.allclose(out.attention.sum((-2, -1)), torch.ones(2, 2, 6), atol=1e-5)
    assert out.boxes.shape == (2, 2, 6, 4)
    assert out.relevance.shape == (2, 2, 6)
    assert torch.allclose(out.relevance.sum(-1), torch.ones(2, 2), atol=1e-5)
    assert out.queries.shape == (2, 2) and out.queries.dtype == torch.int64
    assert (out.queries[:, 0] != out.queries[:, 1]).all()


def test_order_of_frames_matters(config: Config) -> None:
    head = made_head(config).eval()
    tokens = torch.randn(1, 6, 5, 3, 3)
    assert not torch.allclose(head(tokens).logits, head(tokens.flip(1)).logits, atol=1e-4)


def test_selection_follows_the_slow_bank() -> None:
    bank = SemanticsBank(random_bank(5, 12))
    video = bank.slow[3, 2] + 0.5 * bank.slow[6, 4]
    flat, classes = bank.select(video[None], 2)
    entries = bank.slow.flatten(0, 1)[flat]
    assert classes.tolist() == [[2, 4]]
    assert torch.equal(entries[0], torch.stack([bank.slow[3, 2], bank.slow[6, 4]]))


def test_agent_bank_learns_through_its_own_loss_only(config: Config) -> None:
    head = made_head(config)
    target = made_target(2, 6)
    terms = art_terms(
        head, head(torch.randn(2, 6, 5, 3, 3)), target, config.losses, Attributes.of(NAMES)
    )
    agent = head.semantics.bank.agent
    assert not head.semantics.bank.slow.requires_grad
    for name, term in terms.items():
        gradient = torch.autograd.grad(term, agent, retain_graph=True, allow_unused=True)[0]
        assert (gradient is not None) == (name == "semantics"), name


def test_prototypes_are_decoupled(config: Config) -> None:
    head = made_head(config)
    _, by_prototype = head.semantic_losses(head.whole(torch.randn(2, 6, 5, 3, 3)), torch.eye(4)[:2])
    assert (
        torch.autograd.grad(by_prototype, head.head_video.linear.weight, allow_unused=True)[0]
        is None
    )


def test_bank_step_moves_the_slow_bank_towards_the_agent() -> None:
    bank = SemanticsBank(random_bank(3, 8), momentum=0.9)
    slow = bank.slow.clone()
    with torch.no_grad():
        bank.agent += 0.3 * torch.randn_like(bank.agent)
    bank.step()
    want = F.normalize(0.9 * slow + 0.1 * F.normalize(bank.agent.detach(), dim=-1), dim=-1)
    assert torch.allclose(bank.slow, want, atol=1e-6)


def test_final_classifier_starts_as_the_global_one(config: Config) -> None:
    head = made_head(config).eval()
    head.start_final()
    out = head(torch.randn(2, 6, 5, 3, 3))
    logits, attributes = head.video_scores(out.whole)
    assert torch.allclose(out.logits, logits, atol=1e-5)
    assert torch.allclose(out.attributes, attributes, atol=1e-5)


def test_zero_weights_leave_the_papers_objective(config: Config) -> None:
    from dataclasses import replace

    paper = replace(
        config.losses, pose=0.0, phase=0.0, rotation=0.0, attributes=0.0, inside=0.0, box=0.0
    )
    head = made_head(config)
    terms = art_terms(
        head, head(torch.randn(2, 6, 5, 3, 3)), made_target(2, 6), paper, Attributes.of(NAMES)
    )
    left = {name for name, term in terms.items() if term.item() != 0}
    assert left <= {"video", "final", "semantics", "spatial", "temporal", "tracklet"}
    assert {"video", "final", "semantics"} <= left


def test_every_loss_reaches_the_encoder_side(config: Config) -> None:
    head = made_head(config)
    tokens = torch.randn(2, 6, 5, 3, 3, requires_grad=True)
    terms = art_terms(head, head(tokens), made_target(2, 6), config.losses, Attributes.of(NAMES))
    for name in ("video", "final", "semantics", "pose", "rotation", "attributes", "inside", "box"):
        gradient = torch.autograd.grad(terms[name], tokens, retain_graph=True)[0]
        assert gradient.abs().sum() > 0, name


def test_the_other_readings_of_the_tracklet_losses_equal_loops() -> None:
    r = torch.randn(2, 4, 3, 5)
    near = [
        cosine(r[b, t, k], r[b, t + 1, k]) for b in range(2) for t in range(3) for k in range(3)
    ]
    want = sum(abs(0.6 - value) for value in near) / len(near)
    assert temporal_loss(r, 0.6, "absolute").item() == pytest.approx(want, abs=1e-6)
    share = sum(value < 0.6 for value in near) / len(near)
    assert active_hinges(r, 0.6).item() == pytest.approx(share)
    total = 0.0
    for b in range(2):
        whole = [torch.cat([r[b, t, k] for t in range(4)]) for k in range(3)]
        total += sum(cosine(whole[i], whole[j]) for i in range(3) for j in range(3) if i != j)
    assert tracklet_loss(r, False, "flat").item() == pytest.approx(total / (2 * 6), abs=1e-6)
    with pytest.raises(ValueError, match="hinge, absolute"):
        temporal_loss(r, 0.6, "soft")
    with pytest.raises(ValueError, match="mean, flat"):
        tracklet_loss(r, False, "max")


def test_aggregation_by_the_mean_weighs_all_frames_alike() -> None:
    r = torch.randn(2, 4, 3, 5)
    assert torch.allclose(aggregate(r, uniform(r)), r.mean(1), atol=1e-6)


def semantics_of(query: str, tuned: bool = True) -> TextSemantics:
    torch.manual_seed(0)
    return TextSemantics(random_bank(5, 12), 8, 6, 2, BankConfig(tuned=tuned), query)


def test_what_queries_start_from() -> None:
    video = torch.randn(3, 8)
    text, random, learned = (semantics_of(kind) for kind in ("text", "random", "learned"))
    for module in (text, random):
        found, ids = module(video)
        flat, _ = module.bank.select(module.to_text(video), 2)
        assert torch.equal(found, module.from_text(module.entries().flatten(0, 1)[flat]))
        assert ids.shape == (3, 2)
    assert torch.equal(text.entries(), text.bank.slow)
    assert not torch.equal(random.entries(), random.bank.slow)
    assert "random" in dict(random.named_buffers())
    found, ids = learned(video)
    assert ids is None and torch.equal(found, learned.learned.expand(3, -1, -1))
    with pytest.raises(ValueError, match="text, random, learned"):
        semantics_of("words")
    with pytest.raises(ValueError, match="more than the 5 classes"):
        TextSemantics(random_bank(5, 12), 8, 6, 6, BankConfig())


def test_a_frozen_bank_stays_and_its_projection_learns() -> None:
    module = semantics_of("text", tuned=False)
    assert module.bank.agent is None
    before = module.bank.slow.clone()
    target = F.one_hot(torch.arange(3), 5).float()
    sum(module.losses(torch.randn(3, 8), target, torch.randn(5, 8))).backward()
    assert module.to_text.weight.grad.any()
    module.bank.step()
    assert torch.equal(module.bank.slow, before)


def test_prompts_for_every_frame_go_to_their_frame() -> None:
    query, semantics = RegionQueries(2, 5, frames=3), torch.randn(4 * 3, 2, 5)
    for row in range(12):
        assert torch.equal(query(semantics)[row], semantics[row] + query.prompts[row % 3])
    assert RegionQueries(2, 5).prompts.shape == (2, 5)


def test_the_head_has_the_size_that_the_paper_reports() -> None:
    """On ViT-L/14 and 16 frames ART adds 19.96 million parameters; without the bank, which is text
    and no network, this reading of it has 4 % less.
    """
    with torch.device("meta"):
        config = VideoHeadConfig(prompts="frame")
        head = RegionHead(1024, 16, torch.zeros(16, 99, 768), config, BankConfig(), 16)
    found = sum(p.numel() for name, p in head.named_parameters() if "agent" not in name)
    assert found == pytest.approx(19.96e6, rel=0.05)
