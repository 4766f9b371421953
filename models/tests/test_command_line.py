"""The command line: every step is there and asks for what it needs; the README names real keys."""

import dataclasses
import fnmatch
import re
from pathlib import Path

import pytest

from artmodels.__main__ import parser
from artmodels.config import Config
from artmodels.training.recipe import FitRecipe

STEPS = {
    "features": ["--config", "c.toml", "--out", "o"],
    "tune": ["--config", "c.toml", "--features", "f", "--out", "o"],
    "tokens": ["--config", "c.toml", "--features", "f", "--out", "o"],
    "train": ["--config", "c.toml", "--tokens", "t", "--out", "o"],
    "export": ["--model", "m", "--out", "o"],
    "export-video": ["--model", "m", "--out", "o"],
    "fit": ["--config", "c.toml", "--data", "d", "--out", "o"],
    "assess": ["--config", "c.toml", "--model", "m", "--data", "d", "--out", "o"],
    "compare": ["a", "b", "--out", "o"],
    "evaluate": ["--model", "m", "--folder", "d"],
    "benchmark": ["--work", "w"],
    "recipe": ["--config", "c.toml", "--work", "w", "--out", "o"],
}


def test_sprites_need_nothing() -> None:
    args = parser().parse_args(["sprites"])
    assert callable(args.run) and args.seeds == 1 and args.out is None


@pytest.mark.parametrize("step", STEPS)
def test_steps_parse(step: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(parser().parse_args([step, *STEPS[step]]).run)
    with pytest.raises(SystemExit):
        parser().parse_args([step])
    assert "required" in capsys.readouterr().err


def keys_of(kind: type) -> dict[str, set[str]]:
    """The keys of every table of a config."""
    tables = {f.name: f.type for f in dataclasses.fields(kind) if dataclasses.is_dataclass(f.type)}
    return {name: {f.name for f in dataclasses.fields(table)} for name, table in tables.items()}


def test_the_readme_names_keys_that_exist() -> None:
    """Wherever it says `[table] key, other = value`, some config has that table and these keys."""
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    known = [keys_of(Config), keys_of(FitRecipe)]
    named = re.findall(r"`\[(?!choice)(\w+)\]([^`\n]*)`", text)
    assert len(named) > 20
    for table, rest in named:
        keys = [key.split("=")[0].strip() for key in rest.split(",") if key.strip()]
        assert any(
            all(fnmatch.filter(tables.get(table, ()), key) for key in keys) and table in tables
            for tables in known
        ), f"[{table}]{rest}"
