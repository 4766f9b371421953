"""The commands ``assess``, a network on its test videos, and ``compare``, several results."""

import argparse
from pathlib import Path

from ..data import TestClips, read
from ..data.unreadable import Unreadable
from ..training.cli import add_data, recipe_of
from ..training.processes import Processes
from ..video.checkpoint import load_video
from .attention import attention_of
from .cost import gmacs, parameters
from .plots import confusion_plot, cost_plot
from .predict import predict
from .results import Results, mean_row, report, table
from .scores import confusion, scores

RESULTS, REPORT = "results.json", "results.md"
CONFUSION, ATTENTION, COST = "confusion.png", "attention.png", "cost.png"


def assess(args: argparse.Namespace) -> None:
    """Test by the recipe's protocol and write what came out."""
    recipe = recipe_of(args)
    model, names, _ = load_video(args.model)
    processes = Processes.joined(args.device)
    unreadable = Unreadable(args.out / "unreadable.txt")
    listing, data = read(recipe.dataset, args.data, "test"), model.config.data
    if list(listing.names) != names:
        raise ValueError(f"{args.model} has other classes than {recipe.dataset.kind}")
    views = recipe.views
    shown = TestClips(listing, data.frames, data.size, recipe.sampling, views, unreadable)
    found = predict(model, shown, args.batch, recipe.fit.workers, processes)
    matrix = confusion(found)
    results = Results(
        name=recipe.name,
        dataset=f"{recipe.dataset.kind} {recipe.dataset.variant}".strip(),
        videos=len(found.labels),
        left_out=found.left_out,
        clips=views.clips,
        crops=views.crops,
        size=shown.size,
        frames=data.frames,
        scores=scores(found),
        parameters=parameters(model),
        gmacs=gmacs(model, shown.size),
    )
    if processes.first:
        args.out.mkdir(parents=True, exist_ok=True)
        confusion_plot(matrix, names, args.out / CONFUSION)
        pictures = [CONFUSION]
        if model.config.head.kind == "art":
            clip = shown[int(found.items[0])][0][0]
            attention_of(model, clip, names, args.out / ATTENTION)
            pictures.append(ATTENTION)
        results.save(args.out / RESULTS)
        text = report(results, matrix, names, pictures)
        (args.out / REPORT).write_text(text, encoding="utf-8")
        print(f"{text}\n{unreadable.report()}")
    processes.leave()


def compare(args: argparse.Namespace) -> None:
    """A table and a plot of several results."""
    results = [Results.load(folder / RESULTS) for folder in args.folders]
    args.out.mkdir(parents=True, exist_ok=True)
    cost_plot(results, args.out / COST)
    rows = [*table(results), *([mean_row(results)] if args.mean else [])]
    text = "\n".join([*rows, "", f"![accuracy against cost]({COST})", ""])
    (args.out / REPORT).write_text(text, encoding="utf-8")
    print(text)


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the commands to a command line."""
    text = "test a network by its recipe's protocol: results.md, results.json and plots"
    one = commands.add_parser("assess", help=text, description=text)
    one.set_defaults(run=assess)
    add_data(one)
    one.add_argument("--model", type=Path, required=True, help="model.pt that fit wrote")
    one.add_argument("--out", type=Path, required=True, help="folder to write")
    one.add_argument("--batch", type=int, default=10, help="views that the network sees at once")
    text = "put results side by side: results.md and accuracy against cost"
    one = commands.add_parser("compare", help=text, description=text)
    one.set_defaults(run=compare)
    one.add_argument("folders", type=Path, nargs="+", help="folders that assess wrote")
    text = "add the mean of all: the official measure over the splits of UCF101 and HMDB51"
    one.add_argument("--mean", action="store_true", help=text)
    one.add_argument("--out", type=Path, required=True, help="folder to write")
