"""SynthDive48: a deterministic renderer of the 48 Diving48 dives and of pools without a dive."""

from .body import PART_NAMES
from .classes import BACKGROUND, CLASS_NAMES, DIVES, Dive, parse, phrase
from .clips import Clip, render_clip
from .stream import Stream, StreamDive, render_stream

__all__ = [
    "BACKGROUND",
    "CLASS_NAMES",
    "DIVES",
    "PART_NAMES",
    "Clip",
    "Dive",
    "Stream",
    "StreamDive",
    "parse",
    "phrase",
    "render_clip",
    "render_stream",
]
