"""The whole objective: the paper's six terms (eq. 18) and the recipe's auxiliary ones, all weighted
by the config.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from .art import ArtHead, ArtOutput
from .art.losses import soft_cross_entropy, spatial_loss, temporal_loss, tracklet_loss
from .config import LossConfig
from .labels import Attributes
from .synthdive.body import PART_NAMES
from .targets import WindowTargets, inside_mask
from .temporal import FrameReadout, GlobalOutput

Terms = dict[str, Tensor]


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of ``values`` where ``mask``; zero when nothing is left."""
    mask = mask.to(values.dtype)
    return (values * mask).sum() / mask.sum().clamp(min=1)


def smoothed(target: Tensor, amount: float) -> Tensor:
    """A target distribution ``[B, N]`` with ``amount`` spread over all classes."""
    return target * (1 - amount) + amount / target.shape[-1]


def attribute_loss(scores: Tensor, target: WindowTargets, attributes: Attributes) -> Tensor:
    """Cross-entropy of each attribute's values, on windows by the weight of their dive; mean over
    attributes.
    """
    losses = [
        (F.cross_entropy(part, target.attributes[:, a], reduction="none") * target.weight).sum()
        for a, part in enumerate(scores.split(attributes.sizes, dim=-1))
    ]
    return torch.stack(losses).mean() / target.weight.sum().clamp(min=1)


def readout_terms(
    readout: FrameReadout, vectors: Tensor, target: WindowTargets
) -> tuple[Tensor, Tensor]:
    """Pose (squared error) and phase (cross-entropy) read from per-frame vectors ``[B, T, E]``."""
    pose, phase = readout(vectors)
    error = (pose - target.frames.pose).square().mean(-1)
    return masked_mean(error, target.frames.posed), F.cross_entropy(
        phase.flatten(0, 1), target.frames.phase.flatten()
    )


def rotation_loss(rotation: Tensor, target: WindowTargets) -> Tensor:
    """Turns per sample and their running sum over the window, ``[B, T, 2]``, on frames whose
    rotation is known.
    """
    step = (rotation - target.rotation).abs().mean(-1)
    known = target.rotating & (target.rotating.cumprod(1) > 0)
    total = F.smooth_l1_loss(
        rotation.cumsum(1), target.rotation.cumsum(1), reduction="none", beta=0.1
    ).mean(-1)
    return masked_mean(step, target.rotating) + masked_mean(total, known)


def global_terms(
    head: ArtHead,
    whole: GlobalOutput,
    target: WindowTargets,
    weights: LossConfig,
    attributes: Attributes,
) -> Terms:
    """Terms that the global branch alone decides: L_v, L_sema and the dense auxiliary ones."""
    logits, scores = head.video_scores(whole)
    by_video, by_prototype = head.semantic_losses(whole, target.classes)
    early, early_phase = readout_terms(head.embedded_readout, whole.embedded, target)
    late, late_phase = readout_terms(head.readout, whole.frames, target)
    terms = {
        "video": weights.video
        * soft_cross_entropy(logits, smoothed(target.classes, weights.smoothing)),
        "semantics": weights.semantics * (by_video + by_prototype),
        "pose": weights.pose * (early + late),
        "phase": weights.phase * (early_phase + late_phase),
        "rotation": weights.rotation * rotation_loss(whole.rotation, target),
    }
    if scores is not None:
        terms["attributes"] = weights.attributes * attribute_loss(scores, target, attributes)
    return terms


def followed_boxes(target: WindowTargets, follow: tuple[str, ...], queries: int) -> Tensor:
    """xyxy boxes ``[B, K, T, 4]`` that each query's tracklet is taught to follow, NaN where hidden.

    ``follow`` names for every query the body or one of the renderer's parts; queries beyond it
    have the body.
    """
    frames = target.frames
    hidden = torch.full_like(frames.body, torch.nan)
    boxes = {"body": torch.where(frames.seen.unsqueeze(-1), frames.body, hidden)}
    for name in follow[:queries]:
        if name not in boxes and name not in PART_NAMES:
            known = ", ".join(("body", *PART_NAMES))
            raise ValueError(f"losses.follow: '{name}' is no part, known are {known}")
        if name not in boxes:
            boxes[name] = frames.parts[:, :, PART_NAMES.index(name)]
    wanted = [*follow, *["body"] * queries][:queries]
    return torch.stack([boxes[name] for name in wanted], dim=1)


def inside_loss(attention: Tensor, boxes: Tensor) -> Tensor:
    """``-log`` of the attention mass ``[B, K, T, h, w]`` inside xyxy ``boxes [B, K, T, 4]``, where
    they are no NaN.
    """
    inside = inside_mask(boxes, *attention.shape[-2:])
    mass = (attention * inside).sum((-2, -1))
    return masked_mean(-torch.log(mass.clamp(min=1e-4)), torch.isfinite(boxes).all(-1))


def box_loss(boxes: Tensor, truth: Tensor) -> Tensor:
    """L1 of cxcywh ``boxes [B, K, T, 4]`` to xyxy ``truth [B, K, T, 4]``, where it is no NaN."""
    x0, y0, x1, y1 = truth.unbind(-1)
    wanted = torch.stack([(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0], dim=-1)
    gap = (boxes - torch.nan_to_num(wanted)).abs().mean(-1)
    return masked_mean(gap, torch.isfinite(truth).all(-1))


def art_terms(
    head: ArtHead,
    output: ArtOutput,
    target: WindowTargets,
    weights: LossConfig,
    attributes: Attributes,
) -> Terms:
    """All terms: those of the global branch, L_con, the three of L_MTC, and the supervision of
    attention.
    """
    responses = output.responses
    queries, taught = output.attention.shape[1], len(weights.follow)
    boxes = followed_boxes(target, weights.follow, queries)
    terms = global_terms(head, output.whole, target, weights, attributes)
    terms |= {
        "final": weights.final
        * soft_cross_entropy(output.logits, smoothed(target.classes, weights.smoothing)),
        "spatial": weights.tracklets * spatial_loss(responses, weights.clamp),
        "temporal": weights.tracklets * temporal_loss(responses, weights.degree),
        "tracklet": weights.tracklets * tracklet_loss(responses, weights.clamp),
        "inside": weights.inside * inside_loss(output.attention, boxes),
        "box": weights.box * box_loss(output.boxes[:, :taught], boxes[:, :taught]),
    }
    if output.attributes is not None:
        terms["attributes"] = terms["attributes"] + weights.attributes * attribute_loss(
            output.attributes, target, attributes
        )
    return terms
