"""The budget that every row of the benchmark has."""

from dataclasses import asdict, dataclass, field
from typing import Any

from ..config import Config, DataConfig, TrainConfig


@dataclass(frozen=True)
class StageConfig:
    """The trained convolutional stage over tokens: a 1x1 convolution to ``width``, then two
    bottlenecks, the first of stride 2 and twice as wide from there on.
    """

    width: int = 48


@dataclass(frozen=True)
class RunConfig:
    """Training of one row: AdamW, a short warm-up, a cosine."""

    train: int = 24  # clips a class, the first of the split
    test: int = 16
    epochs: int = 5
    batch: int = 16
    lr: float = 5.0e-3
    weight_decay: float = 0.02
    warmup: int = 40
    clip: float = 5.0


@dataclass(frozen=True)
class BenchmarkConfig:
    """A benchmark recipe; ``systems`` holds tables of a video network's config that all rows
    share.
    """

    data: DataConfig = field(default_factory=DataConfig)
    stage: StageConfig = field(default_factory=StageConfig)
    run: RunConfig = field(default_factory=RunConfig)
    systems: dict[str, Any] = field(default_factory=dict)

    def windows(self) -> Config:
        """How windows are drawn: each holds the dive, at any phase, resampled by up to 12 %."""
        return Config(data=self.data, train=TrainConfig(covering=1.0, overhang=0))

    def budget(self) -> dict[str, Any]:
        """What a finished run must share with a new one to stand in its place."""
        return asdict(self)
