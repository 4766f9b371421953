"""The two forms of the shipped model: an encoder with a head, and one graph over the window."""

from pathlib import Path

import numpy as np

from .reader import Recipe, look, sample, session, small_by_opencv

TOLERANCE = 1e-3


def test_split_and_clip_form_agree(model: Path, short_stream: Path) -> None:
    """The same tensors through both give the same logits, boxes and relevances."""
    recipe = Recipe.read(model / "clip.toml")
    pictures = small_by_opencv(short_stream, recipe.size)
    times, _ = look(short_stream)
    video = np.stack([pictures[at] for at in sample(times, recipe.fps)[: recipe.frames]])
    noise = np.random.default_rng(0).integers(0, 256, video.shape, dtype=np.uint8)

    encoder, head = session(model / "encoder.onnx"), session(model / "head.onnx")
    clip = session(model / "clip.onnx")
    tokens = [output.name for output in encoder.get_outputs()]
    outputs = ["logits", "boxes", "relevance"]
    for frames in (video, noise, np.zeros_like(video)):
        encoded = [encoder.run(tokens, {"frames": frame[None]}) for frame in frames]
        stacked = {
            name: np.stack(values, axis=1)
            for name, values in zip(tokens, zip(*encoded, strict=True), strict=True)
        }
        wanted = {port.name: stacked[port.name] for port in head.get_inputs()}
        for name, split, whole in zip(
            outputs,
            head.run(outputs, wanted),
            clip.run(outputs, {"frames": frames[None]}),
            strict=True,
        ):
            difference = np.abs(split - whole).max()
            print(f"{name}: {difference:.2e} apart")
            assert difference <= TOLERANCE, name
