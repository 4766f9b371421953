"""Which clips a recipe takes, and how: the tables ``[dataset]``, ``[sampling]``, ``[augment]`` and
``[views]``.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class DatasetConfig:
    """A data set; folders are relative to the root that a command is given."""

    kind: str = "diving48"  # a key of artmodels.data.sets.READERS
    variant: str = ""  # split, version or protocol, as the reader of that kind describes
    videos: str = "videos"
    annotations: str = "annotations"


@dataclass(frozen=True)
class SamplingConfig:
    """Which frames of a video make a clip."""

    kind: str = "segments"  # TSN; or "dense", "uniform"
    window: int = 64  # frames that a dense clip spans

    def __post_init__(self) -> None:
        if self.kind not in ("segments", "dense", "uniform"):
            raise ValueError(f"sampling '{self.kind}': known are segments, dense, uniform")


@dataclass(frozen=True)
class AugmentConfig:
    """What training does to a clip; all of its frames get the same."""

    resize: tuple[int, ...] = (256,)  # the shorter side, or height and width, before the crop
    crop: str = "multi-scale"  # or "resized", "random", "centre"
    scales: tuple[float, ...] = (1.0, 0.875, 0.75, 0.66)  # multi-scale: of the shorter side
    area: tuple[float, float] = (0.08, 1.0)  # resized: of the picture
    aspect: tuple[float, float] = (0.75, 4 / 3)  # resized: width / height
    flip: str = "safe"  # never a class with a side; "plain": any; "mapped": to its twin; "off"

    def __post_init__(self) -> None:
        if self.crop not in ("multi-scale", "resized", "random", "centre"):
            raise ValueError(f"crop '{self.crop}': known are multi-scale, resized, random, centre")
        if self.flip not in ("safe", "plain", "mapped", "off"):
            raise ValueError(f"flip '{self.flip}': known are safe, plain, mapped, off")


@dataclass(frozen=True)
class ViewsConfig:
    """How a video is tested: scores are averaged over ``clips * crops`` views of it."""

    clips: int = 1
    crops: int = 1  # 1: the centre; 3: both ends and the centre of the longer side
    resize: tuple[int, ...] = (256,)  # the shorter side, or height and width
    size: int = 0  # of the square crops; 0: what the network was made for

    def __post_init__(self) -> None:
        if self.crops not in (1, 3):
            raise ValueError(f"crops is {self.crops}, expected 1 or 3")
        if self.clips < 1:
            raise ValueError(f"clips is {self.clips}, expected at least 1")
