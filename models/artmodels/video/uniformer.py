"""Temporal blocks on a vision transformer in the manner of UniFormerV2: local relations inside the
blocks, global ones beside them.
"""

import torch
from timm.models.vision_transformer import Block
from torch import Tensor, nn

from ..layers import Attention, feed_forward
from .config import VideoConfig
from .features import Features, in_clips
from .sliding import kernel_of, silent, slide
from .transformer import (
    TransformerBackbone,
    attended,
    fed,
    known_blocks,
    last_blocks,
    on_patches,
)

LOCAL_KERNEL = 3  # frames
FEED_FACTOR = 4  # width of a global block's feed-forward network


class LocalRelation(nn.Module):
    """Local multi-head relation aggregation on patch tokens ``[B*T, L, C]``: batch norm, down by
    ``reduction``, depthwise convolution over three frames, up; the skip is inside, and nothing is
    added at the start.
    """

    def __init__(self, channels: int, frames: int, reduction: float) -> None:
        super().__init__()
        width = int(channels / reduction)
        self.frames = frames
        self.norm = nn.BatchNorm1d(channels)
        self.down = nn.Linear(channels, width)
        self.kernel = kernel_of(LOCAL_KERNEL, width)
        self.bias = nn.Parameter(torch.zeros(width))
        self.up = nn.Linear(width, channels)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, x: Tensor) -> Tensor:
        z = self.down(self.norm(x.flatten(0, 1)).reshape(x.shape))
        z = in_clips(z, self.frames)
        reach = LOCAL_KERNEL // 2
        z = slide(silent(z, reach, reach), self.kernel.unsqueeze(1)) + self.bias
        return x + self.up(z.flatten(0, 1))


class LocalBlock(nn.Module):
    """A block of the transformer with local relations before and after its attention, on tokens
    ``[B*T, L, C]``; class tokens pass them by.
    """

    def __init__(
        self, block: Block, channels: int, prefix: int, frames: int, reduction: float
    ) -> None:
        super().__init__()
        self.block = block
        self.prefix = prefix
        self.before = LocalRelation(channels, frames, reduction)
        self.after = LocalRelation(channels, frames, reduction)

    def forward(self, x: Tensor) -> Tensor:
        x = on_patches(x, self.prefix, self.before)
        x = x + attended(self.block, x)
        x = on_patches(x, self.prefix, self.after)
        return x + fed(self.block, x)


class GlobalBlock(nn.Module):
    """A video token ``[B, 1, C]`` reads the tokens of all frames at one depth, ``[B, T, L, C]``.

    Patch tokens get a dynamic position first, a depthwise 3x3x3 convolution; then cross-attention
    and a feed-forward network, each with a skip. Position, attention and network add nothing at
    the start.
    """

    def __init__(self, channels: int, heads: int, prefix: int, grid: int) -> None:
        super().__init__()
        self.prefix = prefix
        self.grid = grid
        self.position = nn.Conv3d(channels, channels, 3, padding=1, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.context_norm = nn.LayerNorm(channels)
        self.attention = Attention(channels, channels, heads)
        self.feed = feed_forward(channels, FEED_FACTOR * channels)
        for layer in (self.position, self.attention.out, self.feed[-1]):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def _placed(self, context: Tensor) -> Tensor:
        patches = context[:, :, self.prefix :]
        volume = patches.permute(0, 3, 1, 2).unflatten(3, (self.grid, self.grid))
        moved = self.position(volume).flatten(3).permute(0, 2, 3, 1)
        return torch.cat([context[:, :, : self.prefix], patches + moved], dim=2)

    def forward(self, token: Tensor, context: Tensor) -> Tensor:
        read = self.context_norm(self._placed(context).flatten(1, 2))
        token = token + self.attention(self.norm(token), read)
        return token + self.feed(token)


class UniformerTransformer(TransformerBackbone):
    """A transformer whose last blocks are each read by a :class:`GlobalBlock`.

    ``x_cls = (1 - s) video token + s mean over frames of class tokens``, ``s = sigmoid(balance)`` a
    learned number a channel, then a layer norm ``[choice]``: ART's text projection and classifiers
    read vectors of one scale. Video token and balance start at zero. Without local relations every
    block of the transformer sees a frame at a time, and only global blocks see the window; with
    them no part does. The published Something-Something variant also halves time in a stem; ART
    keeps all T frames, so there is none here ``[choice]``.
    """

    def __init__(self, network: nn.Module, config: VideoConfig) -> None:
        super().__init__(network, config)
        options = config.uniformer
        blocks = known_blocks(network, config.backbone.name, "uniformer")
        if not self.prefix:
            raise ValueError(f"{config.backbone.name} has no class token, which uniformer needs")
        self.first = last_blocks(len(blocks), options.layers, "uniformer.layers")
        heads = blocks[0].attn.num_heads
        if options.local:
            sizes = (self.channels, self.prefix, self.frames, options.reduction)
            for number, block in enumerate(blocks):
                network.blocks[number] = LocalBlock(block, *sizes)
        self.split = not options.local
        self.globals = nn.ModuleList(
            GlobalBlock(self.channels, heads, self.prefix, self.grid)
            for _ in range(self.first, len(blocks))
        )
        self.token = nn.Parameter(torch.zeros(1, 1, self.channels))
        self.balance = nn.Parameter(torch.zeros(self.channels))
        self.norm = nn.LayerNorm(self.channels)

    def _depths(self, x: Tensor) -> Tensor:
        """Tokens ``[N, L, C]`` in front of the first block -> behind those that are read, ``[N,
        depths, L, C]``.
        """
        kept = []
        for number, block in enumerate(self.network.blocks):
            x = block(x)
            if number >= self.first:
                kept.append(x)
        return torch.stack(kept, dim=1)

    def each_frame(self, frames: Tensor) -> Tensor:
        x = self.embed(frames)
        return self._depths(x) if self.split else x

    def over_frames(self, features: Tensor) -> Features:
        if not self.split:
            features = in_clips(self._depths(features.flatten(0, 1)), self.frames)
        token = self.token.expand(features.shape[0], -1, -1)
        for depth, block in enumerate(self.globals):
            token = block(token, features[:, :, depth])
        last = features[:, :, -1]
        share = torch.sigmoid(self.balance)
        video = (1 - share) * token[:, 0] + share * last[:, :, 0].mean(1)
        return Features(self.features(self.network.norm(last)).maps, self.norm(video))
