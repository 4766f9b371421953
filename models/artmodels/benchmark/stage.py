"""The convolutional stage over an encoder's tokens, with what the rows add to it."""

from torch import Tensor, nn

from ..tcm import TemporalCorrelation
from ..video.adapters import DirectionalAdapter
from ..video.config import AdapterConfig, VideoConfig
from ..video.features import Features
from ..video.shift import TemporalShift
from .config import StageConfig


def _convolution(inputs: int, outputs: int, kernel: int = 1, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
    )


class AdapterOnMaps(nn.Module):
    """DiA's adapter behind a block of convolutions: every cell of ``[B*T, C, h, w]`` is a patch."""

    def __init__(self, channels: int, frames: int, config: AdapterConfig) -> None:
        super().__init__()
        self.adapter = DirectionalAdapter(channels, frames, config)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        patches = self.adapter(x.flatten(2).transpose(1, 2))
        return patches.transpose(1, 2).unflatten(2, (height, width))


class Bottleneck(nn.Module):
    """A residual block of 1x1, 3x3 and 1x1 convolutions; a temporal shift sits in the branch."""

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
    """``tokens [B, T, C, h, w]`` -> maps ``[B, T, 2 width, h/2, w/2]``, in place of a backbone.

    TCM stands before the first block; the temporal shift of TSM in both; adapters behind both.
    """

    def __init__(self, channels: int, config: VideoConfig, stage: StageConfig) -> None:
        super().__init__()
        frames, tcm, backbone = config.data.frames, config.tcm, config.backbone
        self.channels = 2 * stage.width
        steps: list[nn.Module] = [_convolution(channels, stage.width), nn.ReLU()]
        if tcm.use:
            sizes = (tcm.reduced, tcm.patch, tcm.tempos, tcm.attention, tcm.interleaved)
            steps.append(TemporalCorrelation(stage.width, frames, *sizes))
        for inputs, stride in ((stage.width, 2), (self.channels, 1)):
            shift: nn.Module = nn.Identity()
            if backbone.shift != "none":
                shift = TemporalShift(frames, backbone.share, backbone.shift == "online")
            steps.append(Bottleneck(inputs, self.channels, stride, shift))
            if backbone.temporal == "dia":
                steps.append(AdapterOnMaps(self.channels, frames, config.adapter))
        self.steps = nn.Sequential(*steps)

    def over_frames(self, tokens: Tensor) -> Features:
        """All of it: the frame-wise part of these networks is the encoder."""
        return self(tokens)

    def forward(self, tokens: Tensor) -> Features:
        return Features(self.steps(tokens.flatten(0, 1)).unflatten(0, (-1, tokens.shape[1])))
