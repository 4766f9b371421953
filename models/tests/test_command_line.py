"""The command line: every step is there and asks for what it needs."""

import pytest

from artmodels.__main__ import parser

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
