"""Rows of the SynthDive48 benchmark in the element, against PyTorch: in the split form and in the
clip form.

Small ones are made here, with all parts that rows have. `ROWS=W/models pytest -s` takes those that
`python -m artmodels benchmark --work W` trained instead.
"""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from artmodels.benchmark.config import BenchmarkConfig
from artmodels.benchmark.export import NETWORK, Row, export_row, load_row
from artmodels.benchmark.systems import SYSTEMS, TokenNetwork
from artmodels.config import DataConfig, load
from artmodels.encoder import FrameEncoder
from artmodels.text import random_bank
from artmodels.video.tiny import pictures

from .launch import ROOT, assert_same
from .logits import as_they_come, classified, windows_of

LABELS = ["one", "two", "three", "four"]
TRAINED = os.environ.get("ROWS")
COVERING = ("ART, TCM and DSTS (on TSM)", "adapters (DiA)")
MADE = [one for one in SYSTEMS if one.name in COVERING]
NAMES = (
    sorted(path.parent.name for path in Path(TRAINED).glob(f"*/{NETWORK}"))
    if TRAINED
    else [one.folder for one in MADE]
)


@torch.no_grad()
def made(name: str, folder: Path) -> Path:
    """A row that nothing trained, moved away from its start so that no part hides behind a zero."""
    recipe: BenchmarkConfig = load(ROOT / "models/configs/benchmark.toml", BenchmarkConfig)
    config = replace(recipe, data=DataConfig(size=64, frames=6))
    torch.manual_seed(0)
    system = next(one for one in MADE if one.folder == name)
    row = Row(FrameEncoder(pretrained=False), TokenNetwork(system, config, random_bank(4, 12)))
    for parameter in row.network.parameters():
        parameter += 0.1 * torch.randn_like(parameter)
    row.train()
    for seed in range(3):
        row(pictures(row.network, 4, seed))
    export_row(row, config, LABELS, folder)
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_a_row_in_the_element(name: str, tmp_path: Path) -> None:
    """All logits of all whole windows."""
    folder = Path(TRAINED) / name if TRAINED else made(name, tmp_path / "row")
    row = load_row(folder)
    frames = pictures(row.network, 2).flatten(0, 1).numpy()
    copy = shutil.copytree(folder, tmp_path / "copy", ignore=shutil.ignore_patterns(NETWORK))
    for manifest in as_they_come(copy):
        with torch.no_grad():
            wanted = row(torch.from_numpy(windows_of(manifest, frames))).logits.numpy()
        print(f"\n{name}, {manifest.stem}: {len(wanted)} windows, ", end="")
        assert_same(classified(manifest, frames), list(wanted))
