"""The benchmark: every row trains and exports, finished runs are kept, tables say what came out."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import LABELS, made_features
from torch import nn

from artmodels.benchmark.ablations import ABLATIONS, FULL
from artmodels.benchmark.config import BenchmarkConfig
from artmodels.benchmark.cost import Cost, cost
from artmodels.benchmark.export import Row, export_row, load_row
from artmodels.benchmark.ledger import Ledger
from artmodels.benchmark.plot import accuracy_against_cost
from artmodels.benchmark.running import dives, fit, scores
from artmodels.benchmark.runs import missing
from artmodels.benchmark.systems import SYSTEMS, System, TokenNetwork
from artmodels.benchmark.table import ablation_table, main_table
from artmodels.config import from_dict, load
from artmodels.encoder import TOKEN_CHANNELS, FrameEncoder
from artmodels.features import FeatureSet
from artmodels.labels import Attributes
from artmodels.text import random_bank

CLASSES = len(LABELS) - 1
ROWS = (*SYSTEMS, *ABLATIONS)


@pytest.fixture
def small() -> BenchmarkConfig:
    """Six samples of a 4x4 grid and a stage of eight channels."""
    values = {
        "data": {"size": 64, "frames": 6, "seconds": 1.2},
        "stage": {"width": 8},
        "run": {"train": 2, "test": 2, "epochs": 1, "batch": 3, "warmup": 1},
        "systems": {
            "tcm": {"reduced": 4, "patch": 3},
            "neck": {"layers": 1, "neurons": 2, "width": 8, "gradient": "sparse"},
            "head": {"width": 16, "inner": 16, "heads": 2, "hidden": 16, "enhance_layers": 1},
        },
    }
    return from_dict(BenchmarkConfig, values)


def made_network(system: System, config: BenchmarkConfig) -> TokenNetwork:
    torch.manual_seed(0)
    return TokenNetwork(system, config, random_bank(5, 12))


COVERING = [SYSTEMS[1], SYSTEMS[6], SYSTEMS[7], ABLATIONS[1]]  # all parts that rows are made of


@pytest.mark.parametrize("system", COVERING, ids=[one.folder for one in COVERING])
def test_rows_are_models_for_the_element(
    system: System, small: BenchmarkConfig, tmp_path: Path
) -> None:
    labels = [f"class {number}" for number in range(5)]
    row = Row(FrameEncoder(False), made_network(system, small))
    gaps = export_row(row, small, labels, tmp_path)
    assert len(gaps) > 2 and max(gaps.values()) < 1e-3
    manifest = tomllib.loads((tmp_path / "model.toml").read_text())
    assert manifest["graph"]["kind"] == "split" and manifest["input"]["fps"] == 10.0
    assert manifest["model"]["name"] == f"synthdive48-{system.folder}"
    frames = torch.randint(0, 256, (1, 6, 64, 64, 3), dtype=torch.uint8)
    with torch.no_grad():
        assert torch.equal(load_row(tmp_path)(frames).logits, row(frames).logits)


def test_cost_is_that_of_the_exported_graph(small: BenchmarkConfig) -> None:
    plain, full = (cost(made_network(SYSTEMS[at], small), small) for at in (0, 6))
    stem = 112 * 8 * 16  # a 4x4 grid
    first = 8 * 4 * 16 + (9 * 4 * 4 + 4 * 16 + 8 * 16) * 4
    second = (16 * 4 + 9 * 4 * 4 + 4 * 16) * 4
    vote = 16 * 5  # of each frame
    assert plain.gmacs * 1e9 == 6 * (stem + first + second + vote)
    assert plain.parameters < full.parameters and plain.gmacs < full.gmacs
    assert max(plain.gap, full.gap) < 1e-3


def test_rows_are_different_networks(small: BenchmarkConfig) -> None:
    tokens = torch.randn(2, 6, TOKEN_CHANNELS, 4, 4)
    networks = {str(one.tables): one for one in SYSTEMS if "temporal" not in str(one.tables)}
    said = [made_network(one, small).eval()(tokens).logits for one in networks.values()]
    assert len(said) == 6
    assert all(not torch.allclose(a, b) for i, a in enumerate(said) for b in said[i + 1 :])
    for logits in said:
        assert logits.shape == (2, 5)


def test_order_matters_to_all_rows_but_tsn(small: BenchmarkConfig) -> None:
    tokens = torch.randn(2, 6, TOKEN_CHANNELS, 4, 4)
    for system in SYSTEMS:
        network = made_network(system, small)
        for parameter in network.parameters():
            parameter.data.add_(0.1 * torch.randn_like(parameter))
        network.eval()
        same = torch.allclose(network(tokens).logits, network(tokens.flip(1)).logits, atol=1e-5)
        assert same == (system.name == "TSN"), system.name


def test_a_row_learns_its_training_clips(small: BenchmarkConfig, tmp_path: Path) -> None:
    tokens = made_features(tmp_path / "tokens", TOKEN_CHANNELS, 4)
    data = dives(FeatureSet.open(tokens, "train"), CLASSES, 2)
    assert data.truth["label"].tolist() == [0, 1, 2, 0, 1, 2]
    longer = replace(small, run=replace(small.run, epochs=60, lr=1e-2))
    torch.manual_seed(0)
    network = TokenNetwork(SYSTEMS[1], longer, random_bank(CLASSES, 12))
    fit(network, data, Attributes.of(LABELS[:-1]), longer, seed=0)
    logits = scores(network, data, longer)
    assert logits.shape == (6, CLASSES + 1)
    assert logits.argmax(1).tolist() == data.truth["label"].tolist()


def test_a_row_decides_upstream_and_learns_downstream(
    small: BenchmarkConfig, tmp_path: Path
) -> None:
    tokens = made_features(tmp_path / "tokens", TOKEN_CHANNELS, 4)
    data = dives(FeatureSet.open(tokens, "train"), CLASSES, 2)
    fitted = {}
    for name in ("TSM + DSTS", "TSM + DSTS, upstream-downstream"):
        system = next(one for one in SYSTEMS if one.name == name)
        torch.manual_seed(0)
        network = TokenNetwork(system, small, random_bank(CLASSES, 12))
        nn.init.normal_(network.neck.restore.weight)  # else no decision counts in the first steps
        begun = [p.detach().clone() for p in network.neck.upstream()]
        fit(network, data, Attributes.of(LABELS[:-1]), small, 0, system.learning)
        ended = network.neck.upstream()
        assert not any(torch.equal(a, b) for a, b in zip(begun, ended, strict=True)), name
        fitted[name] = network
    joint, apart = (torch.cat([p.flatten() for p in n.parameters()]) for n in fitted.values())
    assert joint.isfinite().all() and apart.isfinite().all() and not torch.equal(joint, apart)


def test_too_few_clips_are_told(tmp_path: Path) -> None:
    tokens = made_features(tmp_path / "tokens", TOKEN_CHANNELS, 4)
    with pytest.raises(ValueError, match="6 clips of 3 classes, 4 of each are asked for"):
        dives(FeatureSet.open(tokens, "train"), CLASSES, 4)


def test_finished_runs_are_kept(small: BenchmarkConfig, tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    ledger = Ledger(path, small.budget())
    everything = missing(ledger, 2, 1)
    assert len(everything) == 2 * len(SYSTEMS) + len(ABLATIONS)
    ledger.add("TSN", 0, {"top-1": 0.5, "mean-class": 0.4, "seconds": 1.0})
    again = Ledger(path, small.budget())
    assert [(s.name, seed) for s, seed in missing(again, 2, 1)] == [
        (s.name, seed) for s, seed in everything if (s.name, seed) != ("TSN", 0)
    ]
    other = replace(small, run=replace(small.run, epochs=2))
    assert len(missing(Ledger(path, other.budget()), 2, 1)) == len(everything)
    path.write_text(path.read_text() + "half a li")
    with pytest.raises(ValueError, match="runs.jsonl, line 2: not a record of a run"):
        Ledger(path, small.budget())


def test_tables_and_plot(small: BenchmarkConfig, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "runs.jsonl", small.budget())
    for seed, right in enumerate((0.5, 0.6)):
        found = {"top-1": right, "mean-class": 0.4, "seconds": 30.0}
        ledger.add("TSN", seed, found)
        ledger.add(FULL, seed, found)
    ledger.add("ART: K = 1", 1, {"top-1": 0.7, "mean-class": 0.4, "seconds": 30.0})
    measured = {one.name: Cost(12345, 0.0192, 1.25, 0.0) for one in SYSTEMS}
    row = main_table(ledger, measured).splitlines()[2]
    assert row == "| TSN | 55.0 +- 7.1 | 40.0 +- 0.0 | 2 | 12,345 | 19.2 | 1.2 | 30 |"
    assert ablation_table(ledger).splitlines()[2:] == ["| K = 1 | 70.0 | 60.0 | 1 |"]
    accuracy_against_cost(ledger, measured, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_the_recipe_that_ships_builds_every_row() -> None:
    path = Path(__file__).parents[1] / "configs" / "benchmark.toml"
    config = load(path, BenchmarkConfig)
    tokens = torch.randn(1, config.data.frames, TOKEN_CHANNELS, 10, 10)
    for system in ROWS:
        network = TokenNetwork(system, config, random_bank(48, 384)).eval()
        assert network(tokens).logits.shape == (1, 48)
