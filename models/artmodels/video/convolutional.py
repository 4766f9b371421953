"""A convolutional network of `timm` as a row of steps, with temporal modules among them."""

import math
from typing import Any

from timm.models import FeatureListNet
from torch import Tensor, nn

from ..encoder import with_static_padding
from ..tcm import TemporalCorrelation
from .config import TcmConfig, VideoConfig
from .features import Features, Pixels, in_clips
from .shift import FIRST_CONVOLUTION, with_shift
from .tea import with_tea

PATCHES = {"res1": 15, "res2": 15, "res3": 15, "res4": 7, "res5": 3}


def stages(network: nn.Module) -> tuple[dict[str, nn.Module], list[dict[str, Any]]]:
    """The stages of a classifier by name, and timm's ``num_chs`` and ``reduction`` of each."""
    info = list(network.feature_info)
    first = round(math.log2(info[0]["reduction"]))
    flat = any("." in stage["module"] for stage in info)
    listed = FeatureListNet(network, tuple(range(len(info))), flatten_sequential=flat)
    found, waiting = {}, []
    for name, module in listed.items():
        waiting.append(module)
        if name in listed.return_layers:
            found[f"res{first + len(found)}"] = nn.Sequential(*waiting)
            waiting = []
    return found, info


class ConvolutionalBackbone(nn.Module):
    """``frames [B, T, H, W, 3]`` uint8 RGB -> :class:`Features`.

    ``steps`` are the stages in order, and TCM after the one that is named. The first ``framewise``
    of them see a frame at a time, so a stream may keep what they give; the rest needs the window.
    TEA and a temporal shift sit in every stage and leave no such part; but up to ``streamed`` a
    one-directional shift needs only the frames before.
    """

    def __init__(self, network: nn.Module, config: VideoConfig) -> None:
        super().__init__()
        backbone, tcm, size = config.backbone, config.tcm, config.data.size
        self.frames = config.data.frames
        with_static_padding(network)
        found, info = stages(network)
        if backbone.last and backbone.last not in found:
            raise ValueError(f"{backbone.name} has no {backbone.last}, it has {', '.join(found)}")
        names = list(found)
        names = names[: names.index(backbone.last) + 1] if backbone.last else names
        self.channels, stride = info[len(names) - 1]["num_chs"], info[len(names) - 1]["reduction"]
        if size % stride:
            raise ValueError(f"size {size} is no multiple of {backbone.name}'s stride {stride}")
        self.grid = size // stride
        self.steps = nn.ModuleDict({name: found[name] for name in names})
        self.framewise = len(names)
        if tcm.use:
            if tcm.after not in names:
                raise ValueError(f"no {tcm.after} to put TCM after, there are {', '.join(names)}")
            self.framewise = names.index(tcm.after) + 1
        self.streamed = self.framewise if backbone.shift == "online" else 0
        self._model_time(config)
        if tcm.use:
            self._insert(tcm, info[names.index(tcm.after)]["num_chs"])
        self.pixels = Pixels(network.pretrained_cfg)

    @property
    def split(self) -> bool:
        """Whether a part sees a frame at a time."""
        return self.framewise > 0

    def _model_time(self, config: VideoConfig) -> None:
        """Put TEA or a shift into the stages."""
        backbone = config.backbone
        if backbone.temporal == "tea":
            if backbone.shift != "none":
                raise ValueError("tea has temporal convolutions of its own: use shift = 'none'")
            if not with_tea(self.steps, self.frames, config.tea):
                raise ValueError(f"{backbone.name} has no bottleneck of a ResNet, which tea needs")
            self.framewise = 0
        elif backbone.temporal != "none":
            raise ValueError(f"{backbone.temporal} needs a vision transformer, not {backbone.name}")
        if backbone.shift != "none":
            online = backbone.shift == "online"
            if not with_shift(self.steps, self.frames, backbone.share, online):
                raise ValueError(
                    f"{backbone.name} has no residual block that a shift is known for: "
                    + ", ".join(FIRST_CONVOLUTION)
                )
            self.framewise = 0

    def _insert(self, tcm: TcmConfig, channels: int) -> None:
        patch = tcm.patch or PATCHES[tcm.after]
        block = TemporalCorrelation(
            channels, self.frames, tcm.reduced, patch, tcm.tempos, tcm.attention, tcm.interleaved
        )
        steps = {}
        for name, stage in self.steps.items():
            steps[name] = stage
            if name == tcm.after:
                steps[f"{name}_tcm"] = block
        self.steps = nn.ModuleDict(steps)

    def each_frame(self, frames: Tensor) -> Tensor:
        """``[N, H, W, 3]`` -> what the part that sees a frame at a time gives, ``[N, C, h, w]``."""
        return self.run(self.pixels(frames), 0, self.framewise)

    def over_frames(self, features: Tensor) -> Features:
        """From ``features [B, T, C, h, w]`` of :meth:`each_frame`."""
        return self.after(features, self.framewise)

    def after(self, features: Tensor, first: int) -> Features:
        """From ``features [B, T, C, h, w]`` in front of step ``first``."""
        maps = self.run(features.flatten(0, 1), first, len(self.steps))
        return Features(in_clips(maps, self.frames))

    def run(self, x: Tensor, first: int, last: int) -> Tensor:
        """The steps from ``first`` to before ``last`` on ``[B*T, C, h, w]``."""
        for step in list(self.steps.values())[first:last]:
            x = step(x)
        return x

    def forward(self, frames: Tensor) -> Features:
        features = self.each_frame(frames.flatten(0, 1))
        return self.over_frames(in_clips(features, self.frames))
