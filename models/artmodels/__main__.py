"""Command line: ``python -m artmodels COMMAND``, a command for each step of a recipe."""

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

from . import baseline as baseline_model
from . import config as configs
from .encoder import FrameEncoder
from .evaluate import predict_split, report
from .evaluation import cli as evaluation_cli
from .export import export
from .features import FeatureSet, extract
from .frame_stage import tune
from .labels import BACKGROUND_NAME, Attributes
from .model import ArtModel, load_model, save_model
from .sprites import trials
from .synthdive import CLASS_NAMES, cli, phrase
from .text import minilm_bank, random_bank
from .tokens import encode
from .train import Trainer
from .training import cli as training_cli
from .video import cli as video_cli


def _features(args: argparse.Namespace) -> None:
    config = configs.load(args.config)
    for split in args.splits.split(","):
        extract(config, split, args.out, args.part, args.parts)


def _tune(args: argparse.Namespace) -> None:
    tune(configs.load(args.config), args.features, args.out)


def _tokens(args: argparse.Namespace) -> None:
    config = configs.load(args.config)
    encoder = FrameEncoder(config.encoder.pretrained)
    if args.stage:
        encoder.load_state_dict(torch.load(args.stage, weights_only=True)["encoder"])
    encode(config, encoder, args.features, args.out, args.threads)


def _train(args: argparse.Namespace) -> None:
    config = configs.load(args.config)
    torch.manual_seed(config.seed)
    labels = [*CLASS_NAMES, BACKGROUND_NAME]
    texts = [
        *(phrase(label) for label in range(len(CLASS_NAMES))),
        "standing, walking or waiting, no dive",
    ]
    bank = minilm_bank(texts) if args.text == "minilm" else random_bank(len(texts))
    model = ArtModel(config, bank, Attributes.of(list(CLASS_NAMES)), config.encoder.pretrained)
    if args.stage:
        stage = torch.load(args.stage, weights_only=True)
        model.encoder.load_state_dict(stage["encoder"])
        model.head.whole.embedding.load_state_dict(stage["embedding"])
        model.head.embedded_readout.load_state_dict(stage["readout"])
    Trainer(model, labels, args.tokens, args.out, args.limit).run(resume=not args.fresh)
    save_model(model, labels, args.out)


def _export(args: argparse.Namespace) -> None:
    model, labels = load_model(args.model)
    for what, gap in export(model, labels, args.out).items():
        print(f"{what}: {gap:.1e}")


def _evaluate(args: argparse.Namespace) -> None:
    model, labels = load_model(args.model)
    found = predict_split(args.folder, model, args.split, args.jobs)
    linear = None
    if args.tokens:
        classifier = baseline_model.fit(
            FeatureSet.open(args.tokens, "train"), model.config, len(labels) - 1
        )
        with torch.no_grad():
            linear = classifier(torch.from_numpy(found.pooled.astype(np.float32))).numpy()
    text = report(found, labels[:-1], linear)
    print(text)
    if args.out:
        args.out.write_text(text, encoding="utf-8")


def _sprites(args: argparse.Namespace) -> None:
    text = trials.report(args.seeds, args.steps)
    print(text)
    if args.out:
        args.out.write_text(text, encoding="utf-8")


def _recipe(args: argparse.Namespace) -> None:
    """Every step after another, each in its own process; finished steps are skipped."""
    work, jobs = args.work, args.jobs
    features, tokens = work / "features", work / "tokens"
    stage, model = work / "frame-stage.pt", work / "model.pt"

    def command(name: str, **options: object) -> list[str]:
        words = [str(word) for key, value in options.items() for word in (f"--{key}", value)]
        return [sys.executable, "-m", "artmodels", name, *words]

    shared = {"config": args.config, "out": features, "parts": jobs}
    renderers = [subprocess.Popen(command("features", **shared, part=n)) for n in range(jobs)]
    if any([renderer.wait() for renderer in renderers]):  # noqa: C419, wait for all of them
        raise SystemExit("rendering failed")
    if not stage.exists():
        step = command("tune", config=args.config, features=features, out=stage)
        subprocess.run(step, check=True)
    for step in (
        command("tokens", config=args.config, features=features, stage=stage, out=tokens),
        command("train", config=args.config, tokens=tokens, stage=stage, out=model),
        command("export", model=model, out=args.out),
        command(
            "evaluate",
            model=model,
            folder=args.out,
            tokens=tokens,
            jobs=jobs,
            out=args.out / "results.md",
        ),
    ):
        subprocess.run(step, check=True)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="artmodels", description=__doc__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    cli.add_parser(commands)

    def add(name: str, run: object, text: str, **paths: str) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=text, description=text)
        one.set_defaults(run=run)
        for option, meaning in paths.items():
            one.add_argument(f"--{option}", type=Path, required=True, help=meaning)
        return one

    recipe = "recipe, a TOML file under models/configs/"
    trunk, shards = "folder of the trunk features", "folder of the token shards"

    one = add(
        "features", _features, "render clips, encode them with the trunk", config=recipe, out=trunk
    )
    one.add_argument("--splits", default="train,val", help="comma-separated")
    one.add_argument("--part", type=int, default=0, help="this process's number")
    one.add_argument("--parts", type=int, default=1, help="number of processes that share the work")

    text = "frame stage: tune the encoder on the rendered pose"
    add("tune", _tune, text, config=recipe, features=trunk, out="file to write")

    text = "encode cached trunk features to tokens"
    one = add("tokens", _tokens, text, config=recipe, features=trunk, out=shards)
    one.add_argument("--stage", type=Path, help="result of tune; ImageNet weights otherwise")
    one.add_argument("--threads", type=int, default=2)

    text = "train the head on cached tokens; continues an interrupted run"
    one = add("train", _train, text, config=recipe, tokens=shards, out="model file to write")
    one.add_argument("--stage", type=Path, help="result of tune, for encoder and frame embedding")
    one.add_argument("--limit", type=int, help="use this many clips")
    one.add_argument("--fresh", action="store_true", help="ignore an interrupted run's state")
    one.add_argument("--text", choices=("minilm", "random"), default="minilm", help="text bank")

    text = "write encoder, head and clip graphs with manifests, checked in ONNX Runtime"
    add("export", _export, text, model="model file", out="folder to write")

    training_cli.add_parser(commands)
    evaluation_cli.add_parser(commands)
    video_cli.add_parser(commands)

    text = "accuracy and tracklet quality of the exported graphs, as Markdown"
    one = add("evaluate", _evaluate, text, model="model file", folder="folder of the export")
    one.add_argument("--split", default="test")
    one.add_argument("--tokens", type=Path, help="token shards, for the baseline's classifier")
    one.add_argument("--jobs", type=int, default=2)
    one.add_argument("--out", type=Path, help="Markdown file to write")

    text = "small networks on three tasks of moving sprites, as Markdown"
    one = add("sprites", _sprites, text)
    one.add_argument("--seeds", type=int, default=1, help="runs of each trial")
    one.add_argument("--steps", type=int, default=trials.STEPS, help="batches of a run")
    one.add_argument("--out", type=Path, help="Markdown file to write")

    text = "all of it, from nothing to a model folder"
    one = add("recipe", _recipe, text, config=recipe, work="work folder", out="model folder")
    one.add_argument("--jobs", type=int, default=2, help="rendering processes")
    return top


def main() -> None:
    """Entry point."""
    args = parser().parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
