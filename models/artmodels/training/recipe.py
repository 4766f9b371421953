"""One TOML file states a network, its data and its training."""

import dataclasses
from dataclasses import dataclass, field

from ..data import AugmentConfig, DatasetConfig, SamplingConfig, ViewsConfig
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
