"""The frame stage, the token step and both phases of training on tiny made data."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import LABELS, made_features

from artmodels.baseline import fit
from artmodels.config import Config
from artmodels.encoder import TOKEN_CHANNELS, TRUNK_CHANNELS, FrameEncoder
from artmodels.features import FeatureSet, dequantise, quantise
from artmodels.frame_stage import tune
from artmodels.labels import Attributes
from artmodels.model import ArtModel, load_model, save_model
from artmodels.text import random_bank
from artmodels.tokens import encode
from artmodels.train import Batches, Trainer


def made_model(config: Config) -> ArtModel:
    torch.manual_seed(0)
    return ArtModel(config, random_bank(len(LABELS), 12), Attributes.of(LABELS[:-1]))


def test_stages_follow_one_another(config: Config, tmp_path: Path) -> None:
    features = made_features(tmp_path / "features", TRUNK_CHANNELS, 8)
    tune(config, features, tmp_path / "stage.pt")
    stage = torch.load(tmp_path / "stage.pt", weights_only=True)
    encoder = FrameEncoder(pretrained=False)
    encoder.load_state_dict(stage["encoder"])
    encode(config, encoder, features, tmp_path / "tokens", threads=1)
    data = FeatureSet.open(tmp_path / "tokens", "train")
    assert len(data) == 8
    got = dequantise(data.take(np.array([5]), np.array([[3]])), torch.from_numpy(data.scale))[0, 0]
    trunk = FeatureSet.open(features, "train")
    with torch.no_grad():
        want = encoder.eval().tail(
            dequantise(trunk.take(np.array([5]), np.array([3])), torch.from_numpy(trunk.scale))
        )
    assert torch.allclose(got, want[0], atol=float(data.scale.max()))
    model = made_model(config)
    model.head.whole.embedding.load_state_dict(stage["embedding"])
    model.head.embedded_readout.load_state_dict(stage["readout"])


class StoppedError(Exception):
    pass


def trained(
    config: Config, tokens: Path, out: Path, stop: tuple[str, int] | None = None
) -> dict[str, torch.Tensor]:
    """Train; with ``stop`` the run dies after that epoch and is taken up again by a new trainer."""
    torch.manual_seed(1)
    trainer = Trainer(made_model(config), LABELS, tokens, out)
    if stop:
        store = trainer._store

        def dying(phase: str, epoch: int, *rest: object) -> None:
            store(phase, epoch, *rest)
            if (phase, epoch) == stop:
                raise StoppedError

        trainer._store = dying
        with pytest.raises(StoppedError):
            trainer.run()
        torch.manual_seed(99)
        trainer = Trainer(made_model(config), LABELS, tokens, out)
    trainer.run()
    return trainer.model.head.state_dict()


@pytest.mark.parametrize("stop", [("global", 1), ("global", 2), ("joint", 1)])
def test_a_resumed_run_ends_with_the_same_weights(
    config: Config, tmp_path: Path, stop: tuple[str, int]
) -> None:
    tokens = made_features(tmp_path / "tokens", TOKEN_CHANNELS, 4)
    whole = trained(config, tokens, tmp_path / "whole.pt")
    resumed = trained(config, tokens, tmp_path / "resumed.pt", stop)
    for key, value in whole.items():
        assert torch.equal(value, resumed[key]), key


def test_frozen_parts_stay_as_they_began(config: Config, tmp_path: Path) -> None:
    tokens = made_features(tmp_path / "tokens", TOKEN_CHANNELS, 4)
    still = replace(config, train=replace(config.train, global_epochs=0, frozen=("whole",)))
    before = made_model(still).head.state_dict()
    after = trained(still, tokens, tmp_path / "new" / "model.pt")
    moved = {key.split(".")[0] for key in before if not torch.equal(before[key], after[key])}
    assert "whole" not in moved and {"regions", "head_final", "query"} <= moved
    unknown = replace(config, train=replace(config.train, frozen=("all",)))
    with pytest.raises(ValueError, match="train.frozen: the head has no 'all', it has semantics,"):
        Trainer(made_model(unknown), LABELS, tokens, tmp_path / "model.pt")


def test_an_epoch_is_the_same_for_the_same_seed(config: Config, tmp_path: Path) -> None:
    data = FeatureSet.open(made_features(tmp_path, TOKEN_CHANNELS, 4), "train")
    batches = Batches(data, config, Attributes.of(LABELS[:-1]), len(LABELS) - 1)
    first, second = (next(iter(batches(4, np.random.default_rng(7)))) for _ in range(2))
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1].classes, second[1].classes)


def test_saved_model_comes_back(config: Config, tmp_path: Path) -> None:
    model = made_model(config).eval()
    save_model(model, LABELS, tmp_path / "model.pt")
    again, labels = load_model(tmp_path / "model.pt")
    assert labels == LABELS
    tokens = torch.randn(2, 6, TOKEN_CHANNELS, 4, 4)
    assert torch.equal(model.head(tokens).logits, again.head(tokens).logits)


def test_quantised_features_come_back_within_a_step() -> None:
    values = np.random.default_rng(0).uniform(-1, 1, (3, 5, 4, 4)).astype(np.float32)
    scale = np.full(5, 1 / 127, np.float32)
    back = dequantise(quantise(values, scale), torch.from_numpy(scale)).numpy()
    assert np.abs(back - values).max() <= 0.5 / 127 + 1e-6


def test_limit_takes_a_prefix(tmp_path: Path) -> None:
    root = made_features(tmp_path, 3, 2)
    assert len(FeatureSet.open(root, "train", 5)) == 5
    (root / "train" / "0000").rename(root / "train" / "0002")
    with pytest.raises(FileNotFoundError, match="shard 0000 is missing"):
        FeatureSet.open(root, "train")
    with pytest.raises(FileNotFoundError, match="artmodels features"):
        (root / "test").mkdir()
        FeatureSet.open(root, "test")


def test_baseline_gives_scores_for_every_class(config: Config, tmp_path: Path) -> None:
    data = FeatureSet.open(made_features(tmp_path, TOKEN_CHANNELS, 4), "train")
    linear = fit(data, replace(config, seed=1), len(LABELS) - 1)
    assert linear(torch.zeros(2, TOKEN_CHANNELS)).shape == (2, len(LABELS))
