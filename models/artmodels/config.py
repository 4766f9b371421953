"""One TOML file states a whole recipe; unknown keys are errors."""

import dataclasses
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class DataConfig:
    """SynthDive48 as it is rendered, and how many clips of it."""

    size: int = 160
    fps: float = 10.0
    seconds: float = 3.2
    frames: int = 20  # samples of one window
    train: int = 150  # clips a class
    val: int = 6
    test: int = 20
    background: int = 8  # background clips for each clip of a class
    shard: int = 448  # clips a shard of cached features


@dataclass(frozen=True)
class EncoderConfig:
    """EfficientNet-Lite0, cut at stride 16; the stages after stride 8 may be tuned."""

    pretrained: bool = True
    planes: int = 16  # channels of the flattened frame embedding
    width: int = 160  # frame embedding
    dropout: float = 0.1  # of the flattened planes


@dataclass(frozen=True)
class HeadConfig:
    """Sizes of the ART head. Paper: width = backbone, inner 256, 4 + 4 layers, K = 2."""

    queries: int = 2
    width: int = 64
    inner: int = 64
    heads: int = 4
    hidden: int = 128
    enhance_layers: int = 1
    region_layers: int = 2
    dropout: float = 0.1  # of the temporal layers
    region_dropout: float = 0.0  # of enhancement and region layers: costs a third of the time
    classifier_dropout: float = 0.3
    saliency_temperature: float = 0.1
    temporal_layers: int = 3
    temporal_heads: int = 4
    temporal_hidden: int = 192
    counting: bool = True  # sums of per-frame rotation join x_cls; not in the paper
    factored: bool = True  # attribute scores are added to the class scores; not in the paper
    box_threshold: float = 0.25
    box_extent: float = 3.5


@dataclass(frozen=True)
class BankConfig:
    """The text bank (eqs. 12 to 17)."""

    momentum: float = 0.999
    temperature: float = 0.07
    tuned: bool = True  # the agent learns and the slow bank follows; else S_0 stays: ablation


@dataclass(frozen=True)
class FrameStageConfig:
    """Training of the encoder's last stages, frame by frame, on the renderer's pose."""

    clips: int = 0  # the first so many training clips; 0 for all
    steps: int = 1500
    batch: int = 64
    lr: float = 1.0e-3
    weight_decay: float = 0.02
    warmup: int = 100


@dataclass(frozen=True)
class TrainConfig:
    """Training of the head on cached tokens: the global branch alone, then everything."""

    global_epochs: int = 40
    joint_epochs: int = 8
    batch: int = 64
    joint_batch: int = 32
    lr: float = 1.0e-3
    joint_lr: float = 5.0e-4
    weight_decay: float = 0.05
    warmup: int = 200
    clip: float = 5.0
    average: float = 0.998  # decay of the averaged weights that are shipped
    speed: float = 0.12  # resampling of time, +-
    covering: float = 0.75  # share of windows drawn among those that hold the whole dive
    overhang: int = (
        6  # samples by which a window may reach over the clip's ends, which are repeated
    )


@dataclass(frozen=True)
class LossConfig:
    """Weights. Zero for every auxiliary term gives the paper's own objective (eq. 18: gammas 5)."""

    video: float = 1.0
    final: float = 1.0
    tracklets: float = 5.0  # gamma1
    semantics: float = 5.0  # gamma2
    clamp: bool = True
    degree: float = 0.6
    smoothing: float = 0.05
    pose: float = 1.0
    phase: float = 0.3
    rotation: float = 2.0
    attributes: float = 0.5
    inside: float = 0.5
    box: float = 2.0


@dataclass(frozen=True)
class Config:
    """A recipe."""

    name: str = "art-synthdive48"
    version: str = "1"
    seed: int = 48
    hop: int = 2
    data: DataConfig = field(default_factory=DataConfig)
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    head: HeadConfig = field(default_factory=HeadConfig)
    bank: BankConfig = field(default_factory=BankConfig)
    frame_stage: FrameStageConfig = field(default_factory=FrameStageConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    losses: LossConfig = field(default_factory=LossConfig)


def from_dict(kind: type, values: dict[str, Any], where: str = "config") -> Any:
    """A frozen dataclass from nested tables; says which key is unknown and which ones there are."""
    fields = {f.name: f for f in dataclasses.fields(kind)}
    for key in values:
        if key not in fields:
            raise ValueError(f"{where}: unknown key '{key}', known are {', '.join(fields)}")
    made = {}
    for key, value in values.items():
        nested = fields[key].type
        made[key] = (
            from_dict(nested, value, f"{where}.{key}")
            if dataclasses.is_dataclass(nested)
            else value
        )
    return kind(**made)


def load(path: str | Path, kind: type = Config) -> Any:
    """The recipe in a TOML file, an instance of ``kind``."""
    with Path(path).open("rb") as file:
        return from_dict(kind, tomllib.load(file), str(path))


def to_dict(config: Config) -> dict[str, Any]:
    """Nested tables, for checkpoints."""
    return dataclasses.asdict(config)
