"""Models that know nothing of this plugin, each described by a model.toml written by hand.

The pictures are generated at the model's size, so that only the tensors' layout, type and
normalisation stand between them and ONNX Runtime's own scores.
"""

import tomllib
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torchvision.models.video import r3d_18

from .launch import assert_same, launch_well, lines, scores
from .reader import session
from .readme import fenced

PACKED = """[model]
name = "packed"

[input]
frames = 8
fps = 15.0
hop = 4
width = 112
height = 112
color = "bgr"
layout = "N(TC)HW"
dtype = "float32"
mean = [104.0, 117.0, 123.0]
std = [57.0, 57.5, 58.0]

[graph]
kind = "clip"
file = "packed.onnx"

[outputs]
scores = { name = "scores", activation = "none" }

[labels]
names = ["a", "b", "c", "d", "e", "f", "g"]
"""


def save(model: nn.Module, shape: list[int], output: str, to: Path) -> None:
    """Writes a PyTorch model as a graph with fixed sizes."""
    torch.onnx.export(
        model.eval(),
        (torch.zeros(shape),),
        to,
        input_names=["clip"],
        output_names=[output],
        external_data=False,
        verbose=False,
    )


def classify(manifest: Path, frames: int, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Frames of a moving test picture, and the element's scores of each of their windows."""
    raw, events = folder / "frames.rgb", folder / "events.jsonl"
    launch_well(
        f"videotestsrc num-buffers={frames} pattern=ball animation-mode=frames "
        "background-color=0xff306090 foreground-color=0xffe0a010 "
        "! video/x-raw,format=RGB,width=112,height=112,framerate=15/1 ! tee name=t "
        f"t. ! queue ! filesink location={raw} "
        f"t. ! queue ! artclassify model={manifest} eos=drop top-k=1000 ! artmetaenc "
        f"! filesink location={events}"
    )
    pictures = np.fromfile(raw, np.uint8).reshape(-1, 112, 112, 3)
    assert len(pictures) == frames
    return pictures, np.array([scores(window) for window in lines(events.read_bytes())])


def normalised(pictures: np.ndarray, said: dict) -> np.ndarray:
    """Pictures with the mean and deviation of a manifest, as its element type."""
    return ((pictures - np.array(said["mean"])) / np.array(said["std"])).astype(np.float32)


def test_r3d_18(tmp_path: Path) -> None:
    """torchvision's R3D with the very manifest of the README, its scores as they are."""
    (manifest,) = (block for block in fenced("toml") if "r3d_18" in block)
    said = tomllib.loads(manifest)["input"]
    plain = '{ name = "logits", activation = "none" }'
    (tmp_path / "model.toml").write_text(manifest.replace('{ name = "logits" }', plain))
    (tmp_path / "labels.txt").write_text("".join(f"class {n}\n" for n in range(400)))
    torch.manual_seed(18)
    graph = tmp_path / "r3d_18.onnx"
    save(r3d_18(weights=None), [1, 3, said["frames"], 112, 112], "logits", graph)

    pictures, found = classify(tmp_path, 48, tmp_path)
    runtime = session(graph)
    clips = normalised(pictures, said).reshape(3, 16, 112, 112, 3).transpose(0, 4, 1, 2, 3)
    assert_same(found, [runtime.run(None, {"clip": clip[None]})[0][0] for clip in clips])


def test_samples_packed_into_channels(tmp_path: Path) -> None:
    """A 2-D network over T * 3 channels in the order blue, green, red; windows overlap."""
    (tmp_path / "model.toml").write_text(PACKED)
    torch.manual_seed(2)
    network = nn.Sequential(
        nn.Conv2d(24, 16, 5, stride=4),
        nn.ReLU(),
        nn.Conv2d(16, 32, 5, stride=4),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 6 * 6, 7),
    )
    graph = tmp_path / "packed.onnx"
    save(network, [1, 24, 112, 112], "scores", graph)

    pictures, found = classify(tmp_path / "model.toml", 24, tmp_path)
    runtime = session(graph)
    blue_first = pictures[..., ::-1]
    planes = normalised(blue_first, tomllib.loads(PACKED)["input"]).transpose(0, 3, 1, 2)
    clips = [planes[at : at + 8].reshape(1, 24, 112, 112) for at in range(0, 17, 4)]
    assert_same(found, [runtime.run(None, {"clip": clip})[0][0] for clip in clips])
