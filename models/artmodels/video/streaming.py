"""A network with a one-directional shift, a sample at a time: each shift's past is a state."""

import copy

import torch
from torch import Tensor, nn

from .convolutional import ConvolutionalBackbone
from .features import Features
from .shift import TemporalShift


class StreamedShift(nn.Module):
    """A one-directional :class:`TemporalShift` on one sample ``[N, C, H, W]``.

    ``state [N, share C, H, W]`` is what the sample before left in ``following``; without one it is
    zero, as at the start of a window.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.state: Tensor | None = None
        self.following: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        fold = int(x.shape[1] * self.share)
        self.following = x[:, :fold]
        past = torch.zeros_like(self.following) if self.state is None else self.state
        return torch.cat([past, x[:, fold:]], dim=1)


def shifts(module: nn.Module) -> list[tuple[nn.Module, str, TemporalShift]]:
    """Every shift below ``module`` in order, with its parent and its name there."""
    return [
        (parent, name, child)
        for parent in module.modules()
        for name, child in parent.named_children()
        if isinstance(child, TemporalShift)
    ]


class StreamGraph(nn.Module):
    """``frames [N, H, W, 3]`` uint8 and a state of every shift -> features ``[N, C, h, w]`` and the
    next states, for the steps that need only the frames before.
    """

    def __init__(self, backbone: ConvolutionalBackbone) -> None:
        super().__init__()
        self.pixels = backbone.pixels
        steps = copy.deepcopy(nn.Sequential(*list(backbone.steps.values())[: backbone.streamed]))
        self.steps = steps
        self.shifts: list[StreamedShift] = []
        for parent, name, shift in shifts(steps):
            streamed = StreamedShift(shift.share)
            setattr(parent, name, streamed)
            self.shifts.append(streamed)

    @torch.no_grad()
    def states(self, size: int) -> list[Tensor]:
        """The states at the start, zeros ``[1, ...]``, for pictures of ``size``."""
        for shift in self.shifts:
            shift.state = None
        self.steps(self.pixels(torch.zeros(1, size, size, 3, dtype=torch.uint8)))
        return [torch.zeros_like(shift.following) for shift in self.shifts]

    def forward(self, frames: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        for shift, state in zip(self.shifts, states, strict=True):
            shift.state = state
        features = self.steps(self.pixels(frames))
        return features, *(shift.following for shift in self.shifts)


@torch.no_grad()
def of_last_window(backbone: ConvolutionalBackbone, frames: Tensor) -> Features:
    """What a stream ``frames [B, S, H, W, 3]`` leaves of its last T frames, with the shifts of
    :class:`TemporalShift` over all S of them.
    """
    steps = copy.deepcopy(nn.Sequential(*list(backbone.steps.values())[: backbone.streamed]))
    for _, _, shift in shifts(steps):
        shift.frames = frames.shape[1]
    features = steps(backbone.pixels(frames.flatten(0, 1))).unflatten(0, frames.shape[:2])
    return backbone.after(features[:, -backbone.frames :], backbone.streamed)
