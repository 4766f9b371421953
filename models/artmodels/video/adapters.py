"""Small trained modules in a frozen vision transformer, in the manner of AIM and of DiA."""

import torch
from timm.models.vision_transformer import Block
from torch import Tensor, nn

from .config import AdapterConfig, VideoConfig
from .features import Features, in_clips
from .sliding import kernel_of, repeated, slide
from .transformer import (
    TransformerBackbone,
    attended,
    fed,
    known_blocks,
    last_blocks,
    on_patches,
)

DIRECTIONS = ("causal", "anticausal")


def _zero(layer: nn.Linear) -> nn.Linear:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


class Adapter(nn.Sequential):
    """AIM's adapter, ``[..., C]`` -> the same: down, GELU, up; what it gives is zero at the
    start.
    """

    def __init__(self, channels: int, width: int) -> None:
        up = _zero(nn.Linear(width, channels))
        super().__init__(nn.Linear(channels, width), nn.GELU(), up)


class AimBlock(nn.Module):
    """A block of the transformer as AIM adapts it, on tokens ``[B*T, L, C]``, clip after clip.

    The block's own attention is used twice: over the frames of one place, through an adapter
    without skip, and over the places of one frame, through an adapter with skip; a third adapter
    stands beside the feed-forward network, weighted by ``scale``.
    """

    def __init__(self, block: Block, channels: int, frames: int, config: AdapterConfig) -> None:
        super().__init__()
        width = config.width or channels // 4
        self.block = block
        self.frames = frames
        self.scale = config.scale
        self.temporal = Adapter(channels, width)
        self.spatial = Adapter(channels, width)
        self.joint = Adapter(channels, width)

    def _over_time(self, x: Tensor) -> Tensor:
        places = x.shape[1]
        each = in_clips(x, self.frames).transpose(1, 2).flatten(0, 1)
        mixed = attended(self.block, each)
        return in_clips(mixed, places).transpose(1, 2).flatten(0, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.temporal(self._over_time(x))
        mixed = attended(self.block, x)
        x = x + mixed + self.spatial(mixed)
        return x + fed(self.block, x) + self.scale * self.joint(self.block.norm2(x))


class DirectionalAdapter(nn.Module):
    """DiA's adapter on patch tokens ``[B*T, L, C]``: ``x + up(GELU(w1 causal + w2 anticausal))`` of
    ``down(x)``; nothing is added at the start.

    Both branches are depthwise convolutions over time of ``kernel`` frames, the first over frames
    up to the present, the second from it on; beyond the window its first and last frame are
    repeated. ``w = softmax`` of two learned numbers an adapter ``[choice]``; kernels have no bias
    ``[choice]``. ``direction`` may leave one branch alone (the paper's ablation).
    """

    def __init__(self, channels: int, frames: int, config: AdapterConfig) -> None:
        super().__init__()
        if config.direction not in ("both", *DIRECTIONS):
            known = ", ".join(("both", *DIRECTIONS))
            raise ValueError(f"direction '{config.direction}': known are {known}")
        width = config.width or channels // 4
        wanted = DIRECTIONS if config.direction == "both" else (config.direction,)
        self.frames = frames
        self.reach = config.kernel - 1
        self.down = nn.Linear(channels, width)
        self.kernels = nn.ParameterDict([(way, kernel_of(config.kernel, width)) for way in wanted])
        self.balance = nn.Parameter(torch.zeros(len(wanted))) if len(wanted) > 1 else None
        self.activation = nn.GELU()
        self.up = _zero(nn.Linear(width, channels))

    def mixed(self, z: Tensor) -> Tensor:
        """The branches' weighted sum of ``z [B, T, L, D]``."""
        ways = {"causal": (self.reach, 0), "anticausal": (0, self.reach)}
        found = [
            slide(repeated(z, *ways[way]), kernel.unsqueeze(1))
            for way, kernel in self.kernels.items()
        ]
        if self.balance is None:
            return found[0]
        weights = torch.softmax(self.balance, dim=0)
        return sum(weights[i] * branch for i, branch in enumerate(found))

    def forward(self, x: Tensor) -> Tensor:
        z = in_clips(self.down(x), self.frames)
        return x + self.up(self.activation(self.mixed(z).flatten(0, 1)))


class DiaBlock(nn.Module):
    """A block of the transformer and one :class:`DirectionalAdapter` behind its attention and
    feed-forward network, on tokens ``[B*T, L, C]``.

    One adapter a block ``[choice]``: with twelve of them and a classifier of 48 classes a ViT-B/16
    has the 3.6 million tunable parameters that are reported. Class tokens pass by.
    """

    def __init__(
        self, block: Block, channels: int, prefix: int, frames: int, config: AdapterConfig
    ) -> None:
        super().__init__()
        self.block = block
        self.prefix = prefix
        self.adapter = DirectionalAdapter(channels, frames, config)

    def forward(self, x: Tensor) -> Tensor:
        return on_patches(self.block(x), self.prefix, self.adapter)


class AdaptedTransformer(TransformerBackbone):
    """The last blocks of a frozen transformer with adapters; those before see a frame at a time.

    AIM also learns a place in time, zero at the start, in front of the first adapted block.
    """

    def __init__(self, network: nn.Module, config: VideoConfig) -> None:
        super().__init__(network, config)
        kind, adapter = config.backbone.temporal, config.adapter
        blocks = known_blocks(network, config.backbone.name, kind)
        self.first = last_blocks(len(blocks), adapter.layers, "adapter.layers")
        self.split = self.first > 0
        self.time = None
        for number in range(self.first, len(blocks)):
            if kind == "aim":
                made = AimBlock(blocks[number], self.channels, self.frames, adapter)
            else:
                made = DiaBlock(blocks[number], self.channels, self.prefix, self.frames, adapter)
            network.blocks[number] = made
        if kind == "aim":
            self.time = nn.Parameter(torch.zeros(self.frames, 1, self.channels))

    def each_frame(self, frames: Tensor) -> Tensor:
        x = self.embed(frames)
        for block in self.network.blocks[: self.first]:
            x = block(x)
        return x

    def over_frames(self, features: Tensor) -> Features:
        x = features if self.time is None else features + self.time
        x = x.flatten(0, 1)
        for block in self.network.blocks[self.first :]:
            x = block(x)
        return self.features(in_clips(self.network.norm(x), self.frames))
