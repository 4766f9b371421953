"""What a video network learns from: its class, and for an ART head eq. 18."""

from torch import Tensor

from ..art.losses import soft_cross_entropy, spatial_loss, temporal_loss, tracklet_loss
from ..objective import Terms, smoothed
from .config import LEVELS, ObjectiveConfig
from .model import VideoModel, VideoOutput


def level_terms(responses: Tensor, weights: ObjectiveConfig) -> Terms:
    """The levels of L_MTC that count, weighted, for ``responses [B, T, K, C]``."""
    unknown = set(weights.levels) - set(LEVELS)
    if unknown:
        raise ValueError(f"levels {sorted(unknown)}: known are {', '.join(LEVELS)}")
    losses = {
        "spatial": lambda: spatial_loss(responses, weights.clamp),
        "temporal": lambda: temporal_loss(responses, weights.degree, weights.temporal),
        "tracklet": lambda: tracklet_loss(responses, weights.clamp, weights.tracklet),
    }
    return {name: weights.tracklets * losses[name]() for name in weights.levels}


def video_terms(model: VideoModel, output: VideoOutput, target: Tensor) -> Terms:
    """All terms, weighted, for class distributions ``target [B, N]``."""
    weights = model.config.objective
    soft = smoothed(target, weights.smoothing)
    terms = {"final": soft_cross_entropy(output.logits, soft)}
    regions = output.regions
    if regions is not None:
        head = model.head
        by_video, by_prototype = head.semantics.losses(
            regions.video, target, head.head_video.linear.weight
        )
        terms |= {
            "video": soft_cross_entropy(head.head_video(regions.video)[0], soft),
            "semantics": weights.semantics * (by_video + by_prototype),
            **level_terms(regions.responses, weights),
        }
    return terms
