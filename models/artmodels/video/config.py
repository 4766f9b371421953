"""What a video network is made of; a table of a recipe for each part."""

from dataclasses import dataclass, field
from typing import Any

from ..config import BankConfig

LEVELS = ("spatial", "temporal", "tracklet")


@dataclass(frozen=True)
class ClipConfig:
    """The window that a network sees."""

    size: int = 224
    fps: float = 8.0
    frames: int = 8


@dataclass(frozen=True)
class BackboneConfig:
    """A network of `timm`; stages are named by their stride, ``res2`` (4) to ``res5`` (32)."""

    name: str = "resnet50"
    options: dict[str, Any] = field(default_factory=dict)  # further arguments of timm.create_model
    weights: str = ""  # "" random, "imagenet" what timm has at hand, else a file
    last: str = ""  # the last stage that is kept; "" for all
    frozen: bool = False  # weights and statistics of timm's network stay; always so with adapters
    shift: str = "none"  # temporal shift: "none" (TSN), "both" (TSM), "online" (past only)
    share: float = 0.125  # of the channels that are shifted each way
    temporal: str = "none"  # "tea" in a ResNet; "uniformer", "aim", "dia" in a vision transformer


@dataclass(frozen=True)
class TeaConfig:
    """Motion excitation and multiple temporal aggregation."""

    reduction: int = 16  # of the channels that motion is measured on
    share: float = 0.125  # of the channels that temporal convolutions start by shifting each way


@dataclass(frozen=True)
class UniformerConfig:
    """Temporal blocks in the manner of UniFormerV2: the paper's Kinetics variant is ``local =
    false, layers = 4``, its Something-Something variant ``local = true, layers = 8``.
    """

    local: bool = False  # local relations of neighbouring frames around every spatial attention
    layers: int = 4  # the last so many blocks are read by a global block each
    reduction: float = 1.5  # of the channels of a local relation


@dataclass(frozen=True)
class AdapterConfig:
    """Adapters of AIM and DiA in a frozen vision transformer."""

    layers: int = 0  # the last so many blocks; 0 for all
    width: int = 0  # 0: a quarter of the transformer's
    kernel: int = 5  # DiA: frames that a temporal convolution sees
    direction: str = "both"  # DiA: or "causal", "anticausal"
    scale: float = 0.5  # AIM: of the adapter beside the feed-forward network


@dataclass(frozen=True)
class TcmConfig:
    """The temporal correlation module."""

    use: bool = False
    after: str = "res3"
    reduced: int = 64
    patch: int = 0  # cells; 0 for the paper's size at that stage: 15, 15, 7, 3
    tempos: tuple[str, ...] = ("fast", "slow")
    attention: bool = True
    interleaved: bool = False


@dataclass(frozen=True)
class NeckConfig:
    """What stands between backbone and head."""

    kind: str = "none"  # or "dsts"
    layers: int = 3
    neurons: int = 10
    width: int = 256  # 0: that of the backbone, without reduction
    temperature: float = 1.0
    gradient: str = "dense"
    pool: str = "mean"


@dataclass(frozen=True)
class VideoHeadConfig:
    """The head; all but the first two only matter to ART. Defaults are the paper's where it states
    them.
    """

    kind: str = "average"  # or "art"
    dropout: float = 0.5
    queries: int = 2
    query: str = "text"  # what queries start from; or "random", "learned": ablations
    prompts: str = "index"  # one a query; or "frame", one a query and frame
    aggregation: str = "saliency"  # of tracklets over time; or "mean": ablation
    width: int = 0  # of tokens and queries; 0: that of the backbone
    inner: int = 256
    heads: int = 8
    hidden: int = 512
    enhance_layers: int = 4  # 0 leaves out spatial semantic enhancement: ablation
    region_layers: int = 4
    region_dropout: float = 0.0
    saliency_temperature: float = 0.01
    box_threshold: float = 0.25
    box_extent: float = 3.5


@dataclass(frozen=True)
class TextConfig:
    """Where the text bank comes from."""

    source: str = ""  # "clip", "minilm", "random"; "": CLIP where weights are given, else MiniLM
    weights: str = ""  # CLIP: file of the weights
    architecture: str = "ViT-B-16"  # CLIP: open_clip's name, or a JSON file in its format
    vocabulary: str = "plain"  # how labels become phrases; or "diving48", "finegym"


@dataclass(frozen=True)
class ObjectiveConfig:
    """Weights of eq. 18 of ART; an averaging head has its cross-entropy alone."""

    tracklets: float = 5.0  # gamma1
    semantics: float = 5.0  # gamma2
    levels: tuple[str, ...] = LEVELS  # of the tracklet loss: those that count
    clamp: bool = True  # negative cosines cost nothing
    degree: float = 0.6  # lambda
    temporal: str = "hinge"  # or "absolute"
    tracklet: str = "mean"  # of responses over time; or "flat", all of them in a row
    smoothing: float = 0.0


@dataclass(frozen=True)
class VideoConfig:
    """A whole network."""

    name: str = "video"
    version: str = "1"
    seed: int = 0
    hop: int = 4
    data: ClipConfig = field(default_factory=ClipConfig)
    backbone: BackboneConfig = field(default_factory=BackboneConfig)
    tea: TeaConfig = field(default_factory=TeaConfig)
    uniformer: UniformerConfig = field(default_factory=UniformerConfig)
    adapter: AdapterConfig = field(default_factory=AdapterConfig)
    tcm: TcmConfig = field(default_factory=TcmConfig)
    neck: NeckConfig = field(default_factory=NeckConfig)
    head: VideoHeadConfig = field(default_factory=VideoHeadConfig)
    bank: BankConfig = field(default_factory=BankConfig)
    text: TextConfig = field(default_factory=TextConfig)
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
