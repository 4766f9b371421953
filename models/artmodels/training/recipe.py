"""One TOML file states a network, its data and its training."""

import dataclasses
import hashlib
from dataclasses import dataclass, field
from typing import Any

from ..data import AugmentConfig, DatasetConfig, Listing, SamplingConfig, ViewsConfig
from ..video import VideoConfig
from .config import FitConfig


@dataclass(frozen=True)
class FitRecipe(VideoConfig):
    """The tables of a network, and those of how it is trained and tested."""

    dataset: DatasetConfig = field(default_factory=DatasetConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    views: ViewsConfig = field(default_factory=ViewsConfig)
    fit: FitConfig = field(default_factory=FitConfig)

    @property
    def network(self) -> VideoConfig:
        """The network alone."""
        parts = dataclasses.fields(VideoConfig)
        return VideoConfig(**{part.name: getattr(self, part.name) for part in parts})


APART = ("fit", "views")  # tables: the trainer compares the first itself, the second only tests
PLACES = ("videos", "annotations")  # keys of [dataset]


def subject_of(recipe: FitRecipe, train: Listing) -> dict[str, Any]:
    """What a recipe trains on what, key by key: network, data and a digest of its labelled clips.

    Where their files lie does not count, so that a data set may be moved.
    """
    keys = {
        f"[{table}] {key}": value
        for table, entries in dataclasses.asdict(recipe).items()
        if isinstance(entries, dict) and table not in APART
        for key, value in entries.items()
        if table != "dataset" or key not in PLACES
    }
    clips = (f"{s.path.stem} {s.label} {s.first} {s.end}" for s in train.samples)
    digest = hashlib.sha256("\n".join([*train.names, *clips]).encode()).hexdigest()
    return keys | {"digest of the clips": digest[:16]}
