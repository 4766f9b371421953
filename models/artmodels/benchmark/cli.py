"""``python -m artmodels benchmark``: tokens, runs, tables and plot in one command."""

import argparse
from pathlib import Path

from .. import config as configs
from ..features import extract_together
from .config import BenchmarkConfig
from .ledger import Ledger
from .plot import accuracy_against_cost
from .runs import missing, run_all, text_bank
from .table import ablation_table, costs, main_table

NEEDED = "train,test"


def _benchmark(args: argparse.Namespace) -> None:
    config: BenchmarkConfig = configs.load(args.config, BenchmarkConfig)
    tokens = args.tokens or args.work / "tokens"
    if not args.tokens:
        options = {"config": args.recipe, "splits": NEEDED, "encoder": args.encoder}
        extract_together(args.jobs, **options, out=tokens)
    ledger = Ledger(args.work / "runs.jsonl", config.budget())
    todo = missing(ledger, args.seeds, args.ablations)
    run_all(args.work, tokens, args.encoder, config, ledger, todo, args.jobs)
    measured = costs(config, text_bank())
    text = "\n\n".join([main_table(ledger, measured), ablation_table(ledger), ""])
    print(text)
    (args.work / "table.md").write_text(text, encoding="utf-8")
    accuracy_against_cost(ledger, measured, args.work / "accuracy-cost.png")


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    text = "SynthDive48 table and ART's ablations under one budget; finished runs are kept"
    one = commands.add_parser("benchmark", help=text, description=text)
    one.set_defaults(run=_benchmark)
    folder = Path(__file__).parents[2]
    one.add_argument(
        "--work", type=Path, required=True, help="folder of tokens, runs, models and tables"
    )
    one.add_argument("--config", type=Path, default=folder / "configs" / "benchmark.toml")
    one.add_argument("--seeds", type=int, default=3, help="seeds of the table's rows")
    one.add_argument("--ablations", type=int, default=1, help="seeds of the ablations; 0 for none")
    one.add_argument("--jobs", type=int, default=2, help="processes, each of one thread")
    one.add_argument("--tokens", type=Path, help="token shards; rendered into the work folder else")
    one.add_argument(
        "--recipe",
        type=Path,
        default=folder / "configs" / "synthdive48.toml",
        help="recipe that says what is rendered",
    )
    one.add_argument(
        "--encoder",
        type=Path,
        default=folder / "zoo" / "synthdive48-art" / "encoder.onnx",
        help="the frozen encoder, exported",
    )
