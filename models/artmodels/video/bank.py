"""The text bank that a config asks for."""

import torch
from torch import Tensor

from ..phrases import phrases
from ..text import clip_bank, minilm_bank, random_bank
from .config import VideoConfig

SOURCES = ("clip", "minilm", "random")


def source(config: VideoConfig) -> str:
    """Which text encoder makes the bank: CLIP where its weights are given, MiniLM otherwise, unless
    the config names one.
    """
    text = config.text
    if text.source not in ("", *SOURCES):
        raise ValueError(f"text source '{text.source}': known are {', '.join(SOURCES)}")
    return text.source or ("clip" if text.weights else "minilm")


def made_bank(config: VideoConfig, labels: list[str]) -> Tensor:
    """Embeddings ``[P, N, D]`` of the labels' phrases, for an ART head; other heads only read the
    number of classes from it, so that nothing is encoded for them.
    """
    if config.head.kind != "art":
        return torch.zeros(1, len(labels), 1)
    kind = source(config)
    if kind == "random":
        return random_bank(len(labels), seed=config.seed)
    said = phrases(labels, config.text.vocabulary)
    if kind == "minilm":
        return minilm_bank(said)
    return clip_bank(said, config.text.weights, config.text.architecture)
