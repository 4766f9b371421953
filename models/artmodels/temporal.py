"""Temporal modelling at the bottom of the head: the global branch and the context that tokens get
from it.

ART's aggregation is a weighted sum over time and thus blind to order; in the paper the backbone
carries the order. Here the encoder sees one frame at a time, so that its outputs can be cached, and
the order is modelled over cached tokens.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .config import EncoderConfig, HeadConfig
from .layers import SelfLayer

POSE, PHASES, ROTATION = (
    8,
    4,
    2,
)  # regressed per frame: pose numbers, phases (the last: no diver), turns per sample


class FrameEmbedding(nn.Module):
    """Tokens of one frame -> one vector that keeps the place: 1x1 to a few planes, flattened,
    linear.

    A pooled vector loses the dive: 14 % against 38 % top-1 in a trial.
    """

    def __init__(self, channels: int, grid: int, config: EncoderConfig) -> None:
        super().__init__()
        self.planes = nn.Sequential(nn.Conv2d(channels, config.planes, 1), nn.GELU())
        self.dropout = nn.Dropout(config.dropout)
        self.embed = nn.Linear(config.planes * grid * grid, config.width)
        self.norm = nn.LayerNorm(config.width)

    def forward(self, tokens: Tensor) -> Tensor:
        """``[N, C, h, w]`` -> ``[N, E]``."""
        return self.norm(self.embed(self.dropout(self.planes(tokens).flatten(1))))


class FrameReadout(nn.Module):
    """What one frame vector says about the diver: ``[..., E]`` -> pose ``[..., 8]``, phase logits
    ``[..., 4]``.
    """

    def __init__(self, width: int, hidden: int = 128) -> None:
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(width, hidden), nn.GELU())
        self.pose = nn.Linear(hidden, POSE)
        self.phase = nn.Linear(hidden, PHASES)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.hidden(x)
        return self.pose(hidden), self.phase(hidden)


@dataclass
class GlobalOutput:
    """Output of the global branch."""

    video: Tensor  # x_cls [B, E]
    frames: Tensor  # [B, T, E], in temporal context
    embedded: Tensor  # [B, T, E], each frame alone
    rotation: Tensor  # [B, T, 2] somersault and twist since the sample before, in turns


class GlobalBranch(nn.Module):
    """``tokens [B, T, C, h, w]`` -> ``x_cls`` and per-frame vectors in temporal context.

    Frame embeddings get a temporal convolution (motion between neighbours) and a learned position,
    then transformer layers with a class token. With ``counting`` the per-frame rotation is summed
    over the window and joins ``x_cls``.
    """

    def __init__(
        self, channels: int, grid: int, frames: int, encoder: EncoderConfig, head: HeadConfig
    ) -> None:
        super().__init__()
        width = encoder.width
        self.embedding = FrameEmbedding(channels, grid, encoder)
        self.motion = nn.Sequential(
            nn.Conv1d(width, width, 3, padding=1), nn.GELU(), nn.Conv1d(width, width, 1)
        )
        self.position = nn.Parameter(torch.randn(1 + frames, width) * 0.02)  # first: class token
        self.layers = nn.ModuleList(
            SelfLayer(width, width, head.temporal_heads, head.temporal_hidden, head.dropout)
            for _ in range(head.temporal_layers)
        )
        self.norm = nn.LayerNorm(width)
        self.rotation = nn.Sequential(nn.Linear(width, 64), nn.GELU(), nn.Linear(64, ROTATION))
        self.count = (
            nn.Sequential(nn.Linear(3, 64), nn.GELU(), nn.Linear(64, width))
            if head.counting
            else None
        )

    def forward(self, tokens: Tensor) -> GlobalOutput:
        frames = tokens.shape[1]
        embedded = self.embedding(tokens.flatten(0, 1)).unflatten(0, (-1, frames))
        x = embedded + self.motion(embedded.transpose(1, 2)).transpose(1, 2)
        x = F.pad(x, (0, 0, 1, 0)) + self.position
        for layer in self.layers:
            x = layer(x)
        x = self.norm(x)
        video, x = x[:, 0], x[:, 1:]
        rotation = self.rotation(x)
        if self.count is not None:
            somersault, twist = rotation[..., 0].sum(1), rotation[..., 1].sum(1)
            video = video + self.count(
                torch.stack([somersault, twist.abs(), rotation.abs().sum((1, 2))], dim=-1)
            )
        return GlobalOutput(video, x, embedded, rotation)


class TokenContext(nn.Module):
    """Tokens for the region queries: ``[B, T, C, h, w]`` -> ``[B, T, h*w, D]``.

    Projection, place and time positions, motion excitation at each place (depthwise convolution
    over time, zero at start), and the global branch's vector of the frame added at every place.
    """

    def __init__(self, channels: int, grid: int, frames: int, context: int, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(channels, width)
        self.place = nn.Parameter(torch.randn(grid * grid, width) * 0.02)
        self.time = nn.Parameter(torch.randn(frames, 1, width) * 0.02)
        self.context = nn.Linear(context, width)
        self.before = nn.Parameter(torch.zeros(width))
        self.after = nn.Parameter(torch.zeros(width))
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: Tensor, frames: Tensor) -> Tensor:
        x = self.project(tokens.flatten(3).transpose(2, 3))
        change = F.pad(x[:, 1:] - x[:, :-1], (0, 0, 0, 0, 1, 1))
        x = x + self.before * change[:, :-1] + self.after * change[:, 1:]
        return self.norm(x + self.place + self.time + self.context(frames).unsqueeze(2))
