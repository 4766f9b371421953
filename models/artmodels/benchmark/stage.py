"""The convolutional stage over an encoder's tokens, with what the rows add to it."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..tcm import TemporalCorrelation
from ..video.config import VideoConfig
from ..video.shift import TemporalShift
from .config import StageConfig


def _convolution(inputs: int, outputs: int, kernel: int = 1, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
    )


class DirectionalAdapter(nn.Module):
    """DiA's adapter behind a block, ``[B*T, C, h, w]``: a 1x1 down, depthwise convolutions over
    time of frames up to the present and from it on, their softmax-weighted sum, GELU, a 1x1 up that
    starts at zero, and a skip. Beyond the window its first and last frames are repeated.
    """

    def __init__(self, channels: int, frames: int, width: int, kernel: int) -> None:
        super().__init__()
        self.frames, self.reach = frames, kernel - 1
        self.down = nn.Conv2d(channels, width, 1)
        self.past = nn.Conv3d(width, width, (kernel, 1, 1), groups=width)
        self.future = nn.Conv3d(width, width, (kernel, 1, 1), groups=width)
        self.balance = nn.Parameter(torch.zeros(2))
        self.up = nn.Conv2d(width, channels, 1)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, x: Tensor) -> Tensor:
        z = self.down(x).unflatten(0, (-1, self.frames)).transpose(1, 2)
        past = self.past(F.pad(z, (0, 0, 0, 0, self.reach, 0), mode="replicate"))
        future = self.future(F.pad(z, (0, 0, 0, 0, 0, self.reach), mode="replicate"))
        weights = torch.softmax(self.balance, dim=0)
        mixed = (weights[0] * past + weights[1] * future).transpose(1, 2).flatten(0, 1)
        return x + self.up(F.gelu(mixed))


class Bottleneck(nn.Module):
    """A residual block of 1x1, 3x3 and 1x1 convolutions; a temporal shift sits inside the branch."""

    def __init__(self, inputs: int, outputs: int, stride: int, shift: nn.Module) -> None:
        super().__init__()
        inner = outputs // 4
        self.branch = nn.Sequential(
            shift,
            _convolution(inputs, inner),
            nn.ReLU(),
            _convolution(inner, inner, 3, stride),
            nn.ReLU(),
            _convolution(inner, outputs),
        )
        self.skip = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.skip = nn.Sequential(nn.AvgPool2d(stride), _convolution(inputs, outputs))

    def forward(self, x: Tensor) -> Tensor:
        return (self.skip(x) + self.branch(x)).relu()


class TokenStage(nn.Module):
    """``tokens [B*T, C, h, w]``, clip after clip -> maps ``[B*T, 2 width, h/2, w/2]``.

    TCM stands before the first block; the temporal shift of TSM in both; adapters behind both.
    """

    def __init__(
        self, channels: int, config: VideoConfig, stage: StageConfig, adapters: bool
    ) -> None:
        super().__init__()
        frames, tcm = config.data.frames, config.tcm
        self.channels = 2 * stage.width
        steps: list[nn.Module] = [_convolution(channels, stage.width), nn.ReLU()]
        if tcm.use:
            steps.append(
                TemporalCorrelation(
                    stage.width,
                    frames,
                    tcm.reduced,
                    tcm.patch,
                    tcm.tempos,
                    tcm.attention,
                    tcm.interleaved,
                )
            )
        for inputs, stride in ((stage.width, 2), (self.channels, 1)):
            shift: nn.Module = nn.Identity()
            if config.backbone.shift != "none":
                online = config.backbone.shift == "online"
                shift = TemporalShift(frames, config.backbone.share, online)
            steps.append(Bottleneck(inputs, self.channels, stride, shift))
            if adapters:
                steps.append(
                    DirectionalAdapter(self.channels, frames, stage.adapter, stage.kernel)
                )
        self.steps = nn.Sequential(*steps)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.steps(tokens)
