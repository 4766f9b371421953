"""Training of any network on any map-style data set: one process or several, interrupted or not."""

from .config import FitConfig
from .learner import VideoLearner
from .processes import Processes
from .trainer import Trainer

__all__ = ["FitConfig", "Processes", "Trainer", "VideoLearner"]
