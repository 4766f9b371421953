"""What the element says of a video, against another reader of the same decoded frames."""

from pathlib import Path

import numpy as np
import pytest
from launch import ATHLETE, lines, record, scores
from reader import Recipe, decode, sample, session, softmax, windows


@pytest.mark.parametrize("media", ["stream", "athlete"])
def test_element_agrees_with_a_reader(
    media: str, model: Path, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Same windows, same top class in 99 % of them, every probability within 0.02."""
    clip = ATHLETE if media == "athlete" else request.getfixturevalue("stream")
    source = f"filesrc location={clip} ! decodebin"
    said = lines(record(source, f"model={model} top-k=1000", tmp_path / "events.jsonl"))

    recipe = Recipe.read(model / "clip.toml")
    times, pictures = decode(clip, recipe.size)
    samples = sample(times, recipe.fps)
    wanted = windows(len(samples), recipe)
    for window, members in zip(said, wanted, strict=True):
        seen = [times[samples[n]] for n in members]
        assert window["start"] == seen[0]
        for tracklet in window["tracklets"]:
            assert [box["pts"] for box in tracklet["boxes"]] == seen

    graph = session(model / "clip.onnx")
    same, differences = 0, []
    for window, members in zip(said, wanted, strict=True):
        clip_input = np.stack([pictures[samples[n]] for n in members])[None]
        probabilities = softmax(graph.run(["logits"], {"frames": clip_input})[0][0])
        found = np.array(scores(window))
        same += int(probabilities.argmax() == found.argmax())
        differences.append(np.abs(probabilities - found).max())
    print(f"{same} of {len(said)} top classes agree; largest difference {max(differences):.4f}")
    assert same >= 0.99 * len(said)
    assert max(differences) <= 0.02
