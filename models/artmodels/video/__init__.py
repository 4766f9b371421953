"""Whole video networks put together from a config: a backbone of `timm` with what models time in
it, TCM, a DSTS neck, and an averaging or an ART head.
"""

from .config import VideoConfig
from .model import VideoModel, VideoOutput

__all__ = ["VideoConfig", "VideoModel", "VideoOutput"]
