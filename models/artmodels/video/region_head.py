"""ART's head in the paper's own form: on the maps of a backbone that models time itself."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..art.head import ClassScores, TextSemantics
from ..art.regions import RegionActivation
from ..art.semantics import RegionQueries, SemanticEnhancement
from ..art.tracking import follow
from ..art.tracklets import attention_boxes
from ..config import BankConfig
from .config import VideoHeadConfig
from .features import Features


@dataclass
class RegionOutput:
    """Everything that losses and exports read."""

    logits: Tensor  # [B, N] final prediction (eq. 11)
    boxes: Tensor  # [B, K, T, 4] cxcywh
    relevance: Tensor  # [B, K, T], sums to 1 over T
    attention: Tensor  # [B, K, T, h, w]
    queries: Tensor | None  # [B, K] class ids of the text queries; None: they have none
    responses: Tensor  # [B, T, K, C]
    video: Tensor  # x_cls [B, E]


class RegionHead(nn.Module):
    """:class:`Features` of a backbone -> class scores and tracklets.

    ``x_cls`` is the backbone's own vector, or the mean over time and place ``[choice]``, the
    paper's reading for convolutional backbones. Tokens are projected where ``width`` is not the
    backbone's, and get a learned place ``[choice]``: nothing else tells a convolutional map's cells
    apart. ``bank [P, N, D]`` holds text embeddings of N classes.
    """

    def __init__(
        self,
        channels: int,
        grid: int,
        bank: Tensor,
        config: VideoHeadConfig,
        bank_config: BankConfig,
        frames: int,
    ) -> None:
        super().__init__()
        if config.prompts not in ("index", "frame"):
            raise ValueError(f"prompts '{config.prompts}': known are index, frame")
        self.config = config
        self.grid = grid
        classes, width, count = bank.shape[1], config.width or channels, config.queries
        sizes = (width, config.inner, config.heads, config.hidden)
        self.semantics = TextSemantics(bank, channels, width, count, bank_config, config.query)
        self.project = nn.Linear(channels, width) if width != channels else nn.Identity()
        self.place = nn.Parameter(torch.randn(grid * grid, width) * 0.02)
        self.norm = nn.LayerNorm(width)
        self.enhance = SemanticEnhancement(*sizes, config.enhance_layers, config.region_dropout)
        self.query = RegionQueries(count, width, frames if config.prompts == "frame" else None)
        self.regions = RegionActivation(*sizes, config.region_layers, config.region_dropout)
        self.head_video = ClassScores(channels, classes, config.dropout, None)
        self.head_final = ClassScores(channels + count * width, classes, config.dropout, None)

    def forward(self, features: Features) -> RegionOutput:
        maps, video = features.maps, features.vector()
        semantics, ids = self.semantics(video)
        tokens = self.norm(self.project(maps.flatten(3).transpose(2, 3)) + self.place)
        tracks = follow(
            tokens,
            semantics,
            self.enhance,
            self.query,
            self.regions,
            self.config.saliency_temperature,
            self.config.aggregation,
        )
        logits, _ = self.head_final(torch.cat([video, tracks.tracklets.flatten(1)], dim=-1))
        attention = tracks.attention.unflatten(-1, (self.grid, self.grid))
        return RegionOutput(
            logits,
            attention_boxes(attention, self.config.box_threshold, self.config.box_extent),
            tracks.relevance,
            attention,
            ids,
            tracks.responses,
            video,
        )
