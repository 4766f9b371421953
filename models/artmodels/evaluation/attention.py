"""Where an ART head looks in a clip."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from ..video import VideoModel
from .plots import attention_plot


@torch.no_grad()
def attention_of(model: VideoModel, clip: Tensor, names: Sequence[str], path: Path) -> None:
    """Plot the attention of every query over the frames ``clip [T, H, W, 3]`` uint8."""
    device = next(model.parameters()).device
    regions = model.eval()(clip[None].to(device)).regions
    if regions is None:
        raise ValueError("the network has no ART head, which alone has attention to plot")
    said = regions.logits[0].argmax().item()
    titles = [
        f"query {k + 1}" + ("" if regions.queries is None else f": {names[regions.queries[0, k]]}")
        for k in range(regions.attention.shape[1])
    ]
    titles[0] = f"answer: {names[said]}\n{titles[0]}"
    attention_plot(
        clip.numpy(),
        regions.attention[0].cpu().numpy(),
        regions.relevance[0].cpu().numpy(),
        titles,
        path,
    )
