"""Public data sets in their official formats, as clips to train and test on."""

from .clips import TestClips, TrainClips
from .config import AugmentConfig, DatasetConfig, SamplingConfig, ViewsConfig
from .listing import Listing, Sample
from .sets import read

__all__ = [
    "AugmentConfig",
    "DatasetConfig",
    "Listing",
    "Sample",
    "SamplingConfig",
    "TestClips",
    "TrainClips",
    "ViewsConfig",
    "read",
]
