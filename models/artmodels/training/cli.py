"""The command ``fit``: a recipe and the files of a data set -> a trained network."""

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from .. import config as configs
from ..data import TestClips, TrainClips, ViewsConfig, read
from ..data.unreadable import Unreadable
from ..evaluation.predict import predict
from ..evaluation.scores import scores
from ..video import VideoModel
from ..video.bank import made_bank
from ..video.card import Facts
from ..video.checkpoint import save_video
from .learner import VideoLearner
from .processes import Processes
from .recipe import FitRecipe, subject_of
from .start import start_from
from .trainer import Trainer

UNREADABLE = "unreadable.txt"
MODEL = "model.pt"


def facts(recipe: FitRecipe, clips: int) -> Facts:
    """What the model card says about where the weights come from."""
    data, fit = recipe.dataset, recipe.fit
    name = f"{data.kind} {data.variant}".strip()
    trained = f"{name}, its {clips} training clips; {fit.epochs} epochs, {fit.learning} learning."
    return Facts(data=trained)


def recipe_of(args: argparse.Namespace) -> FitRecipe:
    """The recipe that a command line names, of the variant that it names."""
    recipe: FitRecipe = configs.load(args.config, FitRecipe)
    if args.variant is None:
        return recipe
    return replace(recipe, dataset=replace(recipe.dataset, variant=args.variant))


def add_data(one: argparse.ArgumentParser) -> None:
    """The options that say which recipe, on which files, on which device."""
    one.add_argument("--config", type=Path, required=True, help="recipe under models/configs/")
    text = "folder with the videos and annotations that the recipe's [dataset] names"
    one.add_argument("--data", type=Path, required=True, help=text)
    text = "instead of the recipe's: a split or protocol of its data set"
    one.add_argument("--variant", help=text)
    text = "cpu or cuda; a GPU for each process where there are any"
    one.add_argument("--device", choices=("cpu", "cuda"), default="", help=text)


def fit(args: argparse.Namespace) -> None:
    """Train; all processes of a run do this together."""
    recipe = recipe_of(args)
    processes = Processes.joined(args.device)
    unreadable = Unreadable(args.out / UNREADABLE)
    train, held = (read(recipe.dataset, args.data, part) for part in ("train", "test"))
    frames, size = recipe.data.frames, recipe.data.size
    data = TrainClips(train, frames, size, recipe.sampling, recipe.augment, unreadable)
    views = ViewsConfig(resize=recipe.views.resize)
    shown = TestClips(held, frames, size, recipe.sampling, views, unreadable)
    torch.manual_seed(recipe.seed)
    model = VideoModel(recipe.network, made_bank(recipe.network, list(train.names)))
    if args.start:
        kept = start_from(model, args.start)
        print(f"starts from {args.start}, apart from parts of: {', '.join(kept) or 'nothing'}")

    def validate() -> dict[str, float]:
        part = recipe.fit.batch // (processes.count * recipe.fit.accumulate)
        return scores(predict(model, shown, part, recipe.fit.workers, processes, False))

    learner = VideoLearner(model, len(train.names))
    about = subject_of(recipe, train)
    trainer = Trainer(learner, data, recipe.fit, args.out, recipe.seed, processes, validate, about)
    trainer.run(resume=not args.fresh)
    if processes.first:
        save_video(model, list(train.names), args.out / MODEL, facts(recipe, len(data)))
        print(f"{args.out / MODEL}; {unreadable.report()}")
    processes.leave()


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command to a command line."""
    text = (
        "train a video network on a public data set; goes on with an interrupted run. Start it by "
        "torchrun --nproc-per-node N -m artmodels fit ... to use N GPUs"
    )
    one = commands.add_parser("fit", help="train a video network on a data set", description=text)
    one.set_defaults(run=fit)
    add_data(one)
    text = "folder of the run: states, TensorBoard's files, clips left out, model.pt"
    one.add_argument("--out", type=Path, required=True, help=text)
    text = "model.pt of another run: weights that fit are taken from it, as in fine-tuning"
    one.add_argument("--start", type=Path, help=text)
    one.add_argument("--fresh", action="store_true", help="ignore an interrupted run's state")
