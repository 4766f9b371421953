"""From files of a data set to a trained network, its test and its export, by the command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
import torch
import trees

from artmodels.__main__ import parser
from artmodels.video.checkpoint import load_video

RECIPE = """
name = "tiny"
[data]
size = 32
frames = 4
[backbone]
name = "test_resnet"
shift = "both"
[head]
kind = "art"
dropout = 0.0
width = 16
inner = 16
heads = 2
hidden = 16
enhance_layers = 1
region_layers = 1
[text]
source = "random"
[objective]
tracklets = 0.1
semantics = 0.1
[dataset]
kind = "diving48"
[augment]
resize = [32, 32]
crop = "centre"
flip = "off"
[views]
resize = [32, 32]
clips = 2
crops = 3
[fit]
epochs = 40
batch = 4
optimiser = "adamw"
lr = 0.005
schedule = "cosine"
workers = 0
checkpoint = 5
validate = 20
"""


def run(*words: object) -> None:
    args = parser().parse_args([str(word) for word in words])
    args.run(args)


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(RECIPE)
    return path


@pytest.mark.filterwarnings("ignore:left out")
def test_a_network_is_trained_tested_and_exported(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = tmp_path / "data", tmp_path / "run"
    trees.diving48(data)
    for name in ("00001", "00007"):
        (data / f"videos/-mmq0PT_u8k_{name}.mp4").write_bytes(b"")
    with pytest.warns(UserWarning, match="-mmq0PT_u8k_00001.mp4: cannot be opened"):
        run("fit", "--config", recipe, "--data", data, "--out", out, "--device", "cpu")
    assert "2 clips could not be read" in capsys.readouterr().out
    model, names, facts = load_video(out / "model.pt")
    assert names == ["Back+15som+05Twis+FREE", "Forward+1som+NoTwis+PIKE"]
    assert "diving48, its 6 training clips" in facts.data

    tested = out / "test"
    words = ("--model", out / "model.pt", "--data", data, "--out", tested, "--device", "cpu")
    with pytest.warns(UserWarning, match="00007"):
        run("assess", "--config", recipe, *words)
    results = json.loads((tested / "results.json").read_text())
    assert results["scores"]["top-1"] == 1.0
    assert results["videos"] == 5 and results["left_out"] == 1
    assert results["clips"] == 2 and results["crops"] == 3
    assert results["parameters"] == sum(p.numel() for p in model.parameters())
    text = (tested / "results.md").read_text()
    assert "5 test videos, 1 left out" in text
    for name in ("confusion.png", "attention.png"):
        assert name in text
        assert cv2.imread(str(tested / name)).std() > 5

    run("compare", tested, tested, "--mean", "--out", out / "both")
    lines = (out / "both/results.md").read_text().splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:5]] == ["tiny", "tiny", "mean of 2"]
    assert cv2.imread(str(out / "both/cost.png")).std() > 5
    words = ("--data", data, "--out", out / "again", "--device", "cpu", "--start", out / "model.pt")
    changed = RECIPE.replace("epochs = 40", "epochs = 1").replace("width = 16", "width = 24")
    recipe.write_text(changed)
    run("fit", "--config", recipe, *words)
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("starts")]
    assert "apart from parts of: head.place," in said[0] and "backbone" not in said[0]
    with pytest.raises(ValueError, match="unknown key"):
        recipe.write_text("[fit]\nlearning_rate = 1\n")
        run("fit", "--config", recipe, "--data", data, "--out", out)


def test_torchrun_trains_in_two_processes(recipe: Path, tmp_path: Path) -> None:
    trees.diving48(tmp_path / "data")
    recipe.write_text(
        RECIPE.replace("epochs = 40", "epochs = 2").replace("validate = 20", "validate = 1")
    )
    words = ["--data", tmp_path / "data", "--out", tmp_path / "run", "--device", "cpu"]
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [*command, "-m", "artmodels", "fit", "--config", recipe, *words],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("no clip was found unreadable") == 1
    state = torch.load(tmp_path / "run/resume.pt", weights_only=True)
    assert state["step"] == 2 and len(state["generators"]) == 2
    assert len(list((tmp_path / "run").glob("events*"))) == 1
