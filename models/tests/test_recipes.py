"""Every recipe of a paper: its keys are known, its network is built, its table in the README."""

import dataclasses
import re
from pathlib import Path

import pytest
import torch

from artmodels.config import load
from artmodels.data.sets import READERS
from artmodels.training.groups import groups
from artmodels.training.recipe import FitRecipe
from artmodels.video import VideoConfig, VideoModel
from artmodels.video.config import TextConfig

CONFIGS = Path(__file__).parents[1] / "configs"
RECIPES = sorted(path.relative_to(CONFIGS) for path in CONFIGS.glob("*/*.toml"))
README = (CONFIGS.parent / "README.md").read_text(encoding="utf-8")
CLASSES = 5


made: list[tuple[VideoConfig, VideoModel]] = []


def built(config: VideoConfig) -> VideoModel:
    """The network without memory for its weights; those of equal recipes are one."""
    for other, model in made:
        if other == config:
            return model
    with torch.device("meta"):
        made.append((config, VideoModel(config, torch.zeros(2, CLASSES, 16))))
    return made[-1][1]


@pytest.mark.parametrize("path", RECIPES, ids=str)
def test_a_recipe_makes_a_network(path: Path) -> None:
    recipe: FitRecipe = load(CONFIGS / path, FitRecipe)
    assert recipe.name == f"{path.parent}-{path.stem}"
    assert recipe.dataset.kind in READERS
    config = recipe.network
    blank = dataclasses.replace(config, backbone=dataclasses.replace(config.backbone, weights=""))
    model = built(dataclasses.replace(blank, name="", text=TextConfig()))
    assert hasattr(model.head, "semantics") == (path.parts[0] == "art")
    assert (config.neck.kind == "dsts") == (path.parts[0] == "dsts")
    assert config.tcm.use == (path.parts[0] == "tcm")
    found = groups(model, recipe.fit)
    if recipe.fit.fresh_lr != 1:
        assert any(group["name"].startswith("fresh") for group in found)
    assert f"| `configs/{path.parent}/" in README


def test_every_key_is_in_the_readme() -> None:
    """In the row of its table, or in one of the rows below it that continue it."""
    keys: dict[str, set[str]] = {}
    table = ""
    for line in README.split("### Keys of a recipe")[1].splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 5:
            table = cells[1].strip("`[]") or table
            keys.setdefault(table, set()).update(re.findall(r"`(\w+)`", cells[2]))
    mine = dataclasses.fields(FitRecipe)[len(dataclasses.fields(VideoConfig)) :]
    for part in mine:
        assert keys[part.name] == {field.name for field in dataclasses.fields(part.type)}


def test_every_data_set_is_in_the_readme() -> None:
    rows = README.split("### Data sets")[1].split("### Recipes")[0]
    assert set(re.findall(r"^\| `([\w-]+)` \|", rows, re.MULTILINE)) == READERS.keys() | {"kind"}


def test_there_are_recipes_of_all_papers() -> None:
    assert {path.parts[0] for path in RECIPES} == {"art", "dsts", "tcm"}
