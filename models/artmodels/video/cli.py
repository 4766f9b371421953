"""The command ``export-video``: from a model file, or from a config before any training, to the
folder that the `artclassify` element reads.
"""

import argparse
import dataclasses
from pathlib import Path

import torch

from .. import config as configs
from .backbone import start
from .bank import made_bank
from .card import Facts
from .checkpoint import load_video
from .config import VideoConfig
from .export import export_video
from .model import VideoModel

SECTIONS = ("data", "figures", "licence")


def _untrained(args: argparse.Namespace) -> tuple[VideoModel, list[str]]:
    if not args.labels:
        raise SystemExit("export-video --config needs --labels, a file of labels, one a line")
    config = configs.load(args.config, VideoConfig)
    labels = [line for line in args.labels.read_text(encoding="utf-8").splitlines() if line]
    torch.manual_seed(config.seed)
    print(f"{config.backbone.name} with {start(config.backbone)}, all else untrained")
    return VideoModel(config, made_bank(config, labels)), labels


def run(args: argparse.Namespace) -> None:
    """Write the folder and say how far the graphs are from PyTorch."""
    if args.model:
        model, labels, facts = load_video(args.model)
    else:
        (model, labels), facts = _untrained(args), Facts()
    given = {name: getattr(args, name) for name in SECTIONS}
    said = {name: file.read_text(encoding="utf-8").strip() for name, file in given.items() if file}
    found = export_video(model, labels, args.out, dataclasses.replace(facts, **said))
    for what, gap in found.items():
        print(f"{what}: {gap:.1e}")


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command to a command line."""
    text = (
        "write every form of a video network with manifests and a model card, checked in ONNX "
        "Runtime"
    )
    one = commands.add_parser("export-video", help=text, description=text)
    one.set_defaults(run=run)
    source = one.add_mutually_exclusive_group(required=True)
    source.add_argument("--model", type=Path, help="model file of a video network")
    source.add_argument(
        "--config", type=Path, help="tables of artmodels.video: the network before any training"
    )
    one.add_argument("--labels", type=Path, help="with --config: a file of labels, one a line")
    one.add_argument("--out", type=Path, required=True, help="folder to write")
    for name in SECTIONS:
        text = f"Markdown file, the model card's section on {name}"
        one.add_argument(f"--{name}", type=Path, help=text)
