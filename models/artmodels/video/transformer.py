"""A plain vision transformer of `timm` as a backbone: patch tokens as maps, class tokens as the
video's vector.
"""

from collections.abc import Callable

import torch
from timm.models.vision_transformer import Block, VisionTransformer
from torch import Tensor, nn

from .config import VideoConfig
from .features import Features, Pixels, in_clips


def attended(block: nn.Module, x: Tensor) -> Tensor:
    """What the attention of timm's ``block`` adds to ``x [N, L, C]``."""
    return block.drop_path1(block.ls1(block.attn(block.norm1(x))))


def fed(block: nn.Module, x: Tensor) -> Tensor:
    """What the feed-forward network of timm's ``block`` adds to ``x [N, L, C]``."""
    return block.drop_path2(block.ls2(block.mlp(block.norm2(x))))


def on_patches(x: Tensor, prefix: int, change: Callable[[Tensor], Tensor]) -> Tensor:
    """``x [N, L, C]`` with ``change`` applied to the patch tokens, behind ``prefix`` others."""
    return torch.cat([x[:, :prefix], change(x[:, prefix:])], dim=1)


class TransformerBackbone(nn.Module):
    """``frames [B, T, H, W, 3]`` uint8 RGB -> :class:`Features`, every frame by itself.

    The video's vector is the mean of the frames' class tokens; a transformer without a class token
    leaves it to the maps. ``split`` says whether a part sees a frame at a time, so that a stream
    may keep what it gives. Subclasses model time.
    """

    def __init__(self, network: nn.Module, config: VideoConfig) -> None:
        super().__init__()
        size, patch = config.data.size, network.patch_embed.patch_size[0]
        if size % patch:
            raise ValueError(
                f"size {size} is no multiple of {config.backbone.name}'s patch {patch}"
            )
        network.reset_classifier(0)
        self.pixels = Pixels(network.pretrained_cfg)
        self.network = network
        self.frames = config.data.frames
        self.grid = size // patch
        self.channels = network.num_features
        self.prefix = network.num_prefix_tokens
        self.split = True  # a part sees a frame at a time

    def embed(self, frames: Tensor) -> Tensor:
        """``[N, H, W, 3]`` -> tokens ``[N, L, C]`` in front of the first block."""
        network = self.network
        x = network.patch_drop(network._pos_embed(network.patch_embed(self.pixels(frames))))
        return network.norm_pre(x)

    def each_frame(self, frames: Tensor) -> Tensor:
        """``[N, H, W, 3]`` -> what the part that sees a frame at a time gives, ``[N, ...]``."""
        return self.network.forward_features(self.pixels(frames))

    def over_frames(self, features: Tensor) -> Features:
        """From ``features [B, T, ...]`` of :meth:`each_frame`."""
        return self.features(features)

    def features(self, tokens: Tensor) -> Features:
        """From ``tokens [B, T, L, C]`` behind the last norm."""
        patches = tokens[:, :, self.prefix :].transpose(2, 3)
        maps = patches.unflatten(3, (self.grid, self.grid))
        return Features(maps, tokens[:, :, 0].mean(1) if self.prefix else None)

    def forward(self, frames: Tensor) -> Features:
        features = self.each_frame(frames.flatten(0, 1))
        return self.over_frames(in_clips(features, self.frames))


def known_blocks(network: nn.Module, name: str, temporal: str) -> list[Block]:
    """The blocks of a vision transformer that ``temporal`` modelling is known for."""
    if not isinstance(network, VisionTransformer) or not all(
        isinstance(block, Block) for block in network.blocks
    ):
        raise ValueError(f"{name} is no plain vision transformer of timm, which {temporal} needs")
    return list(network.blocks)


def last_blocks(blocks: int, wanted: int, key: str) -> int:
    """The number of the first of the last ``wanted`` of so many ``blocks``; 0 wants all."""
    if not 0 <= wanted <= blocks:
        raise ValueError(f"{key} {wanted}: the transformer has {blocks} blocks")
    return blocks - (wanted or blocks)
