"""The rows of the benchmark: one stage over tokens, and what each published system adds to it."""

import re
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from ..config import from_dict
from ..encoder import TOKEN_CHANNELS, TOKEN_STRIDE
from ..video import VideoConfig, VideoModel
from ..video.model import made_head, made_neck
from .config import BenchmarkConfig
from .stage import TokenStage

Tables = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class System:
    """One row: tables of a video network's config that differ from the shared ones, and how it
    learns: ``joint``, or ``upstream-downstream`` for a DSTS neck.
    """

    name: str
    tables: Tables = field(default_factory=dict)
    learning: str = "joint"

    @property
    def folder(self) -> str:
        """The name as a folder's."""
        return re.sub(r"\W+", "-", self.name.lower()).strip("-")


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
    System("TSM + DSTS, upstream-downstream", joined(TSM, DSTS), "upstream-downstream"),
    System("ART (on TSM)", joined(TSM, ART)),
    System("ART, TCM and DSTS (on TSM)", joined(TSM, TCM, DSTS, ART)),
    System("adapters (DiA)", {"backbone": {"temporal": "dia"}}),
)


class TokenNetwork(VideoModel):
    """``tokens [B, T, C, h, w]`` -> :class:`VideoOutput`: a video network whose backbone is the
    stage over tokens. ``bank [P, N, D]`` gives the classes and their texts.
    """

    def __init__(self, system: System, config: BenchmarkConfig, bank: Tensor) -> None:
        nn.Module.__init__(self)
        self.system, self.bank_shape = system, tuple(bank.shape)
        tables = joined(config.systems, system.tables)
        tables["data"] = {
            "frames": config.data.frames,
            "size": config.data.size,
            "fps": config.data.fps,
        }
        name = {"name": f"synthdive48-{system.folder}"}
        self.config: VideoConfig = from_dict(VideoConfig, tables | name, system.name)
        self.backbone = TokenStage(TOKEN_CHANNELS, self.config, config.stage)
        self._still: list[nn.Module] = []
        grid = -(-config.data.size // TOKEN_STRIDE // 2)
        self.neck = made_neck(self.config, self.backbone.channels)
        self.head = made_head(self.config, self.backbone.channels, grid, bank)
