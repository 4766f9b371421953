"""TEA on a residual network: motion excitation and multiple temporal aggregation in every
bottleneck (CVPR 2020, arXiv 2004.01398).
"""

import torch
from timm.models.res2net import Bottle2neck
from timm.models.resnet import Bottleneck
from torch import Tensor, nn

from .config import TeaConfig
from .features import in_clips
from .sliding import silent, slide

FRAGMENTS = 4
SPATIAL_KERNEL = 3


class MotionExcitation(nn.Module):
    """``x + x A`` on ``[B*T, C, H, W]``, with a number ``A`` in -1..1 for every channel and frame.

    On channels reduced by ``reduction``: ``M(t) = conv(x_r(t+1)) - x_r(t)``, a depthwise 3x3
    convolution, zero for the last frame; ``A = 2 sigmoid(expand(mean over H, W of M)) - 1``.
    Batch norm after both 1x1 convolutions ``[choice]``, as released.
    """

    def __init__(self, channels: int, frames: int, reduction: int) -> None:
        super().__init__()
        width = max(1, channels // reduction)
        self.frames = frames
        self.reduce = nn.Sequential(
            nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width)
        )
        self.move = nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False)
        self.expand = nn.Sequential(
            nn.Conv2d(width, channels, 1, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        reduced = self.reduce(x)
        moved = in_clips(self.move(reduced), self.frames)
        reduced = in_clips(reduced, self.frames)
        motion = silent(moved[:, 1:] - reduced[:, :-1], 0, 1).flatten(0, 1)
        excited = 2 * torch.sigmoid(self.expand(motion.mean((2, 3), keepdim=True))) - 1
        return x + x * excited


class TemporalConvolution(nn.Module):
    """A depthwise convolution over three frames of ``[B*T, C, H, W]``, zeros beyond the window.

    It starts as a temporal shift of ``share`` of the channels each way ``[choice]``, as released.
    """

    def __init__(self, channels: int, frames: int, share: float) -> None:
        super().__init__()
        self.frames = frames
        fold = int(channels * share)
        kernel = torch.zeros(3, channels)
        kernel[2, :fold] = 1
        kernel[0, fold : 2 * fold] = 1
        kernel[1, 2 * fold :] = 1
        self.kernel = nn.Parameter(kernel)

    def forward(self, x: Tensor) -> Tensor:
        around = silent(in_clips(x, self.frames), 1, 1)
        return slide(around, self.kernel[:, :, None, None]).flatten(0, 1)


class TemporalAggregation(nn.Module):
    """Multiple temporal aggregation in place of a bottleneck's 3x3 convolution, ``[B*T, C, H, W]``
    -> ``[B*T, C, H/stride, W/stride]``.

    Four fragments of the channels: ``y_1 = x_1``, ``y_2 = s(t(x_2))``, ``y_i = s(t(x_i +
    y_{i-1}))``, s a 3x3 convolution and t a :class:`TemporalConvolution`. With a stride the sum is
    left out, for its parts differ in size, and ``x_1`` is averaged, as in Res2Net ``[choice]``.
    """

    def __init__(self, channels: int, stride: int, frames: int, share: float) -> None:
        super().__init__()
        if channels % FRAGMENTS:
            raise ValueError(f"tea needs a multiple of {FRAGMENTS} channels, not {channels}")
        width = channels // FRAGMENTS
        self.stride = stride
        pad = SPATIAL_KERNEL // 2
        self.fragments = nn.ModuleList(
            nn.Sequential(
                TemporalConvolution(width, frames, share),
                nn.Conv2d(width, width, SPATIAL_KERNEL, stride, pad, bias=False),
            )
            for _ in range(FRAGMENTS - 1)
        )
        self.pool = nn.AvgPool2d(SPATIAL_KERNEL, stride, pad) if stride > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        first, *rest = x.chunk(FRAGMENTS, dim=1)
        found = [self.pool(first)]
        for i, (fragment, convolve) in enumerate(zip(rest, self.fragments, strict=True)):
            chained = self.stride == 1 and i > 0
            found.append(convolve(fragment + found[-1] if chained else fragment))
        return torch.cat(found, dim=1)


def with_tea(network: nn.Module, frames: int, config: TeaConfig) -> int:
    """Put TEA into every bottleneck of ``network``; returns how many.

    A Res2Net, which the authors start from, keeps its weights: its four fragments and their sums
    are those of the aggregation, and each spatial convolution gets a temporal one in front. In a
    plain ResNet the 3x3 convolution is replaced.
    """
    count = 0
    for block in list(network.modules()):
        if isinstance(block, Bottle2neck):
            channels = block.conv1.out_channels
            excite = MotionExcitation(channels, frames, config.reduction)
            block.bn1 = nn.Sequential(block.bn1, nn.ReLU(), excite)
            for i, convolution in enumerate(block.convs):
                temporal = TemporalConvolution(block.width, frames, config.share)
                block.convs[i] = nn.Sequential(temporal, convolution)
        elif isinstance(block, Bottleneck):
            channels, stride = block.conv2.in_channels, block.conv2.stride[0]
            block.conv2 = nn.Sequential(
                MotionExcitation(channels, frames, config.reduction),
                TemporalAggregation(channels, stride, frames, config.share),
            )
        else:
            continue
        count += 1
    return count
