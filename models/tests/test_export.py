"""Both exported forms against PyTorch, the manifest, and the model that ships."""

import hashlib
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from conftest import LABELS

from artmodels.benchmark.config import BenchmarkConfig
from artmodels.config import Config, from_dict, load
from artmodels.encoder import TOKENS, FrameEncoder, lite0
from artmodels.export import FEATURES, OUTPUTS, export, stacked
from artmodels.graph import session
from artmodels.labels import Attributes
from artmodels.metrics import accuracy
from artmodels.model import ArtModel
from artmodels.text import random_bank

MODELS = Path(__file__).parents[1]


@pytest.fixture
def exported(config: Config, tmp_path: Path) -> Path:
    torch.manual_seed(0)
    model = ArtModel(config, random_bank(len(LABELS), 12), Attributes.of(LABELS[:-1]))
    gaps = export(model, LABELS, tmp_path / "model")
    assert max(gaps.values()) < 1e-3
    return tmp_path / "model"


def test_manifest_states_what_the_graphs_are(config: Config, exported: Path) -> None:
    for name, layout in (("model.toml", "NHWC"), ("clip.toml", "NTHWC")):
        manifest = tomllib.loads((exported / name).read_text())
        assert manifest["input"]["layout"] == layout
        assert manifest["input"]["frames"] == config.data.frames
        assert manifest["input"]["dtype"] == "uint8"
        assert "mean" not in manifest["input"]
        for file, digest in manifest["graph"]["sha256"].items():
            assert hashlib.sha256((exported / file).read_bytes()).hexdigest() == digest
        assert manifest["labels"]["background"] == ["background"]
    assert (exported / "labels.txt").read_text().split("\n")[:-1] == LABELS


def test_graphs_load_on_old_runtimes_and_name_their_axes(exported: Path) -> None:
    for name in ("encoder.onnx", "head.onnx", "clip.onnx"):
        graph = onnx.load(str(exported / name))
        assert graph.ir_version <= 9
        assert [o.version for o in graph.opset_import if not o.domain] == [17]
        for value in [*graph.graph.input, *graph.graph.output]:
            first, *rest = value.type.tensor_type.shape.dim
            assert first.dim_param == "N"
            assert all(dim.dim_value > 0 for dim in rest), value.name
    encoder, head = session(exported / "encoder.onnx"), session(exported / "head.onnx")
    assert [o.name for o in encoder.get_outputs()] == [*FEATURES, TOKENS]
    assert [i.name for i in head.get_inputs()] == [*FEATURES]


def test_batch_axis_is_free(config: Config, exported: Path) -> None:
    clip = session(exported / "clip.onnx")
    size = config.data.size
    frames = np.random.default_rng(0).integers(
        0, 256, (3, config.data.frames, size, size, 3), dtype=np.uint8
    )
    together = clip.run(["logits"], {"frames": frames})[0]
    alone = np.concatenate([clip.run(["logits"], {"frames": one[None]})[0] for one in frames])
    assert np.abs(together - alone).max() < 1e-4


def test_static_padding_changes_nothing() -> None:
    torch.manual_seed(0)
    whole = lite0(pretrained=False).eval()
    encoder = FrameEncoder(pretrained=False).eval()
    weights = [
        v for k, v in whole.state_dict().items() if k.startswith(("conv_stem", "bn1", "blocks"))
    ]
    own = encoder.state_dict()
    encoder.load_state_dict(dict(zip(own, weights, strict=False)))
    frames = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    with torch.no_grad():
        x = whole.bn1(whole.conv_stem(((frames.float() - 127) / 128).permute(0, 3, 1, 2)))
        for block in whole.blocks[:5]:
            x = block(x)
        assert torch.allclose(encoder(frames), x, atol=1e-5)


def test_configs_parse_and_unknown_keys_are_named() -> None:
    for path in (MODELS / "configs").glob("*.toml"):
        load(path, BenchmarkConfig if path.stem == "benchmark" else Config)
    with pytest.raises(ValueError, match="unknown key 'frmes'"):
        from_dict(Config, {"data": {"frmes": 3}})


def test_accuracy_counts() -> None:
    names = LABELS[:-1]
    logits = np.array([[3, 0, 0, 0], [0, 3, 0, 4], [0, 0, 3, 0], [0, 3, 0, 0], [0, 0, 0, 1]], float)
    got = accuracy(logits, np.array([0, 1, 2, 0, 3]), Attributes.of(names))
    assert got["top-1"] == 0.75 and got["mean-class"] == pytest.approx((0.5 + 1 + 1) / 3)
    assert got["top-1 of all outputs"] == 0.5 and got["missed"] == 0.25
    assert got["position"] == 1.0 and got["take-off"] == 0.75
    assert got["false alarms"] == 0.0


SHIPPED = sorted((MODELS / "zoo").glob("*/model.toml"))


@pytest.mark.parametrize("path", SHIPPED, ids=[p.parent.name for p in SHIPPED])
def test_shipped_forms_agree(path: Path) -> None:
    manifest = tomllib.loads(path.read_text())["input"]
    shape = (2, manifest["frames"], manifest["height"], manifest["width"], 3)
    frames = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    folder = path.parent
    encoder, head, clip = (session(folder / f"{n}.onnx") for n in ("encoder", "head", "clip"))
    samples = [encoder.run(list(FEATURES), {"frames": frames[:, t]}) for t in range(shape[1])]
    split = head.run(list(OUTPUTS), stacked(FEATURES, samples))
    whole = clip.run(list(OUTPUTS), {"frames": frames})
    labels = (folder / "labels.txt").read_text().splitlines()
    assert split[0].shape == (2, len(labels))
    for name, a, b in zip(OUTPUTS, split, whole, strict=True):
        assert np.abs(a - b).max() < 1e-3, name


def test_config_is_frozen(config: Config) -> None:
    assert replace(config, seed=3) != config
