"""All runs of the benchmark, seed after seed, shared among processes."""

import multiprocessing
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from ..encoder import FrameEncoder
from ..features import FeatureSet
from ..labels import Attributes
from ..start import load_encoder
from ..synthdive import CLASS_NAMES, phrase
from ..text import minilm_bank
from .ablations import ABLATIONS
from .config import BenchmarkConfig
from .export import Row, export_row
from .ledger import Ledger
from .running import Found, dives, run
from .systems import SYSTEMS, System

Run = tuple[System, int]


def missing(ledger: Ledger, seeds: int, ablation_seeds: int) -> list[Run]:
    """Runs that are not in the ledger: for each seed the table's, then the ablations'."""
    wanted = [
        (system, seed)
        for seed in range(max(seeds, ablation_seeds))
        for system in (
            *(SYSTEMS if seed < seeds else ()),
            *(ABLATIONS if seed < ablation_seeds else ()),
        )
    ]
    return [(system, seed) for system, seed in wanted if not ledger.has(system.name, seed)]


def text_bank() -> Tensor:
    """Texts of the 48 dives."""
    return minilm_bank([phrase(label) for label in range(len(CLASS_NAMES))])


class _Worker:
    """What every run reads; loaded once a process."""

    current: "_Worker"

    def __init__(
        self, tokens: Path, config: BenchmarkConfig, bank: Tensor, encoder: Path, models: Path
    ) -> None:
        torch.set_num_threads(1)
        classes = len(CLASS_NAMES)
        self.config, self.bank, self.models = config, bank, models
        self.encoder = FrameEncoder(pretrained=False)
        load_encoder(self.encoder, encoder)
        self.attributes = Attributes.of(list(CLASS_NAMES))
        self.train = dives(FeatureSet.open(tokens, "train"), classes, config.run.train)
        self.test = dives(FeatureSet.open(tokens, "test"), classes, config.run.test)
        _Worker.current = self

    def run(self, one: Run) -> tuple[str, int, Found]:
        system, seed = one
        network, found = run(
            system, seed, self.train, self.test, self.attributes, self.bank, self.config
        )
        if seed == 0:
            folder = self.models / system.folder
            export_row(Row(self.encoder, network), self.config, list(CLASS_NAMES), folder)
        return system.name, seed, found


def _start(*arguments: object) -> None:
    _Worker(*arguments)  # type: ignore[arg-type]


def _run(one: Run) -> tuple[str, int, Found]:
    return _Worker.current.run(one)


def run_all(
    work: Path,
    tokens: Path,
    encoder: Path,
    config: BenchmarkConfig,
    ledger: Ledger,
    todo: list[Run],
    jobs: int,
) -> None:
    """Do ``todo`` in ``jobs`` processes of one thread each; every finished run is written at once,
    and the networks of the first seed are exported behind ``encoder`` into ``work/models``.
    """
    if not todo:
        return
    start = (tokens, config, text_bank(), encoder, work / "models")
    with multiprocessing.get_context("spawn").Pool(jobs, _start, start) as pool:
        for name, seed, found in tqdm(
            pool.imap_unordered(_run, todo), total=len(todo), desc="benchmark", mininterval=5
        ):
            ledger.add(name, seed, found)
            tqdm.write(f"{name}, seed {seed}: {100 * found['top-1']:.1f}")
