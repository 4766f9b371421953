"""What a video network learns from: its class, and for an ART head eq. 18."""

from torch import Tensor

from ..art.losses import soft_cross_entropy, spatial_loss, temporal_loss, tracklet_loss
from ..objective import Terms, smoothed
from .model import VideoModel, VideoOutput


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
        responses = regions.responses
        terms |= {
            "video": soft_cross_entropy(head.head_video(regions.video)[0], soft),
            "semantics": weights.semantics * (by_video + by_prototype),
            "spatial": weights.tracklets * spatial_loss(responses, weights.clamp),
            "temporal": weights.tracklets * temporal_loss(responses, weights.degree),
            "tracklet": weights.tracklets * tracklet_loss(responses, weights.clamp),
        }
    return terms
