"""The rows of the benchmark: one stage over tokens, and what each published system adds to it."""

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from ..config import from_dict
from ..encoder import TOKEN_CHANNELS, TOKEN_STRIDE
from ..video import VideoConfig, VideoOutput
from ..video.model import made_head, made_neck
from ..video.region_head import RegionOutput
from .config import BenchmarkConfig
from .stage import TokenStage

Tables = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class System:
    """One row: tables of a video network's config that differ from the shared ones."""

    name: str
    tables: Tables = field(default_factory=dict)
    adapters: bool = False


TSM: Tables = {"backbone": {"shift": "both"}}
TCM: Tables = {"tcm": {"use": True}}
DSTS: Tables = {"neck": {"kind": "dsts"}}
ART: Tables = {"head": {"kind": "art"}}


def joined(*parts: Tables) -> Tables:
    """Tables over tables; a later one wins."""
    whole: Tables = {}
    for part in parts:
        for key, table in part.items():
            whole[key] = whole.get(key, {}) | table
    return whole


SYSTEMS = (
    System("TSN"),
    System("TSM", TSM),
    System("TSM + TCM", joined(TSM, TCM)),
    System("TSM + DSTS", joined(TSM, DSTS)),
    System("ART (on TSM)", joined(TSM, ART)),
    System("ART, TCM and DSTS (on TSM)", joined(TSM, TCM, DSTS, ART)),
    System("adapters (DiA)", adapters=True),
)


class TokenNetwork(nn.Module):
    """``tokens [B, T, C, h, w]`` -> :class:`VideoOutput`; neck and head are those of a
    :class:`VideoModel` of the same config. ``bank [P, N, D]`` gives the classes and their texts.
    """

    def __init__(self, system: System, config: BenchmarkConfig, bank: Tensor) -> None:
        super().__init__()
        tables = joined(config.systems, system.tables)
        tables["data"] = {"frames": config.data.frames, "size": config.data.size}
        self.config: VideoConfig = from_dict(VideoConfig, tables, system.name)
        self.stage = TokenStage(TOKEN_CHANNELS, self.config, config.stage, system.adapters)
        grid = -(-config.data.size // TOKEN_STRIDE // 2)
        self.neck = made_neck(self.config, self.stage.channels)
        self.head = made_head(self.config, self.stage.channels, grid, bank)

    def forward(self, tokens: Tensor) -> VideoOutput:
        span = tokens.shape[1]
        maps = self.stage(tokens.flatten(0, 1)).unflatten(0, (-1, span))
        maps = self.neck(maps.transpose(1, 2)).transpose(1, 2)
        found = self.head(maps)
        if isinstance(found, RegionOutput):
            return VideoOutput(found.logits, found)
        return VideoOutput(found, None)
