"""From tokens and text semantics to tracklets: eqs. 1 to 4 and 9 in a row."""

from dataclasses import dataclass

from torch import Tensor

from .regions import RegionActivation
from .semantics import RegionQueries, SemanticEnhancement
from .tracklets import aggregate, saliency, uniform


@dataclass
class Tracks:
    """K regions through T frames."""

    responses: Tensor  # [B, T, K, C]
    attention: Tensor  # [B, K, T, HW]
    relevance: Tensor  # [B, K, T], sums to 1 over T
    tracklets: Tensor  # [B, K, C], aggregated over time


def follow(
    tokens: Tensor,
    semantics: Tensor,
    enhance: SemanticEnhancement,
    query: RegionQueries,
    regions: RegionActivation,
    temperature: float,
    aggregation: str = "saliency",
) -> Tracks:
    """``tokens [B, T, HW, C]`` and ``S_topk [B, K, C]``, the same semantics for all frames, through
    the three stages that are given; ``temperature`` is that of the saliency, and
    ``aggregation="mean"`` weighs all frames alike instead.
    """
    if aggregation not in ("saliency", "mean"):
        raise ValueError(f"aggregation '{aggregation}': known are saliency, mean")
    frames = tokens.shape[1]
    repeated = semantics.unsqueeze(1).expand(-1, frames, -1, -1).flatten(0, 1)
    x, adapted = enhance(tokens.flatten(0, 1), repeated)
    responses, attention = regions(query(adapted), x)
    responses = responses.unflatten(0, (-1, frames))
    if aggregation == "mean":
        weights = uniform(responses)
    else:
        weights = saliency(responses, semantics, temperature)
    return Tracks(
        responses,
        attention.unflatten(0, (-1, frames)).transpose(1, 2),
        weights.transpose(1, 2),
        aggregate(responses, weights),
    )
