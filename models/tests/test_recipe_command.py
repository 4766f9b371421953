"""The whole chain in one command, at the smallest size: render, train, export, evaluate."""

import subprocess
import sys
import tomllib
from pathlib import Path

import torch

from artmodels.config import Config, load
from artmodels.export import export
from artmodels.labels import BACKGROUND_NAME, Attributes
from artmodels.model import ArtModel, load_model
from artmodels.start import start_from
from artmodels.synthdive import CLASS_NAMES
from artmodels.text import random_bank

RECIPE = """
version = "7"

[data]
size = 64
frames = 6
seconds = 1.2
train = 1
val = 1
test = 1
background = 1

[encoder]
pretrained = false
planes = 4
width = 16

[head]
width = 16
inner = 16
heads = 2
hidden = 16
temporal_layers = 1
temporal_hidden = 16

[train]
global_epochs = 0
joint_epochs = 1
joint_batch = 16
warmup = 1
frozen = ["whole", "head_final"]
overhang = 2
"""


def begun(config: Config) -> ArtModel:
    """A model for all classes, stirred: a graph shares equal tensors and has no biases of zero."""
    torch.manual_seed(0)
    model = ArtModel(config, random_bank(len(CLASS_NAMES) + 1, 384), Attributes.of(CLASS_NAMES))
    for parameter in model.head.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    for norm in model.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.running_mean.normal_()
    return model.eval()


def test_a_recipe_goes_on_from_an_exported_model(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE)
    config: Config = load(recipe)
    before, work, out = tmp_path / "before", tmp_path / "work", tmp_path / "after"
    labels = [*CLASS_NAMES, BACKGROUND_NAME]
    first = begun(config)
    export(first, labels, before)
    words = ["--config", recipe, "--start", before, "--work", work, "--out", out, "--jobs", "1"]
    command = [sys.executable, "-m", "artmodels", "recipe", *map(str, words)]
    subprocess.run(command, check=True, cwd=Path(__file__).parents[2])

    assert tomllib.loads((out / "model.toml").read_text())["model"]["version"] == "7"
    assert "48 dives of 48 classes and 1 background clips" in (out / "results.md").read_text()
    trained, said = load_model(work / "model.pt")
    assert said == labels
    frames = torch.randint(0, 256, (1, 6, 64, 64, 3), dtype=torch.uint8)
    start_from(first, before)
    with torch.no_grad():
        was, now = first(frames), trained(frames)
    torch.testing.assert_close(now.whole.video, was.whole.video, atol=1e-4, rtol=0)
    assert not torch.allclose(now.attention, was.attention, atol=1e-4)
