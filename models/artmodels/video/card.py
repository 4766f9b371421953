"""The model card that an export writes beside its graphs."""

from dataclasses import dataclass

from .backbone import ADAPTERS, is_frozen, start
from .config import VideoConfig
from .model import VideoModel, tunable

UNTRAINED = "None: the weights were not trained by this package."
UNMEASURED = "Not measured."
LICENCE = (
    "The code is MIT OR Apache-2.0. The weights derive from what the backbone starts from and from "
    "the training data; their licences apply."
)


@dataclass(frozen=True)
class Facts:
    """What only who trained a model knows, as Markdown."""

    data: str = UNTRAINED
    figures: str = UNMEASURED
    licence: str = LICENCE


def parts(config: VideoConfig) -> list[str]:
    """What a network is made of, a phrase for each part."""
    backbone, head = config.backbone, config.head
    frozen = ", frozen" if is_frozen(backbone) else ""
    found = [f"{backbone.name} of timm, started from {start(backbone)}{frozen}"]
    if backbone.shift != "none":
        ways = "both ways" if backbone.shift == "both" else "from the past alone"
        found.append(f"temporal shift {ways}")
    if backbone.temporal == "tea":
        found.append("TEA's motion excitation and multiple temporal aggregation")
    elif backbone.temporal == "uniformer":
        local = "local and global" if config.uniformer.local else "global"
        found.append(f"{local} temporal blocks in the manner of UniFormerV2")
    elif backbone.temporal != "none":
        found.append(f"adapters in the manner of {ADAPTERS[backbone.temporal]}")
    if config.tcm.use:
        found.append(f"TCM after {config.tcm.after}")
    if config.neck.kind == "dsts":
        found.append(f"DSTS neck, {config.neck.layers} layers of {config.neck.neurons} neurons")
    if head.kind == "art":
        found.append(f"ART head, {head.queries} {head.query} queries")
    else:
        found.append("linear classifier on the mean over frames")
    return found


def forms(model: VideoModel) -> str:
    """The forms that were written, in words."""
    clip = "`clip.toml` clip (`clip.onnx`)"
    if model.config.backbone.shift == "online":
        return f"`model.toml` streaming (`encoder.onnx`, `head.onnx`), {clip}"
    if model.backbone.split:
        return f"`model.toml` split (`encoder.onnx`, `head.onnx`), {clip}"
    return "`model.toml` clip (`clip.onnx`)"


def card(model: VideoModel, labels: list[str], gaps: dict[str, float], facts: Facts) -> str:
    """The card as Markdown."""
    config = model.config
    data = config.data
    made = "\n".join(f"- {part}" for part in parts(config))
    checked = "\n".join(f"| {what} | {gap:.1e} |" for what, gap in gaps.items())
    total = sum(p.numel() for p in model.parameters())
    return f"""# {config.name}

{made}

| | |
| --- | --- |
| input | {data.frames} frames at {data.fps:g}/s, {data.size}x{data.size} RGB uint8, centre crop; \
normalisation is inside the graph |
| classes | {len(labels)}, in `labels.txt` |
| forms | {forms(model)} |
| parameters | {total:,}, of which {tunable(model):,} were open to training |
| graphs | opset 17, IR version 8; only the batch axis is free |

## Data

{facts.data}

## Figures

{facts.figures}

| ONNX Runtime on random pictures | largest difference |
| --- | --- |
{checked}

## Licence

{facts.licence}
"""
