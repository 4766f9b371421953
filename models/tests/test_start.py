"""Training goes on from an exported folder."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import LABELS

from artmodels.config import Config
from artmodels.encoder import FrameEncoder
from artmodels.export import export
from artmodels.labels import Attributes
from artmodels.model import ArtModel
from artmodels.start import load_encoder, start_from
from artmodels.text import random_bank


def made_model(config: Config, seed: int) -> ArtModel:
    """Stirred, for a graph shares equal tensors and leaves out biases of zero."""
    torch.manual_seed(seed)
    bank = random_bank(len(LABELS), 12)
    model = ArtModel(config, bank, Attributes.of(LABELS[:-1])).eval()
    for parameter in model.head.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    for norm in model.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)
    return model


@torch.no_grad()
def test_what_was_exported_is_taken_up_again(config: Config, tmp_path: Path) -> None:
    model, other = made_model(config, 0), made_model(config, 1)
    export(model, LABELS, tmp_path)
    frames = torch.randint(0, 256, (1, 6, 64, 64, 3), dtype=torch.uint8)
    assert not torch.allclose(model.encoder(frames[0]), other.encoder(frames[0]), atol=1e-3)
    start_from(other, tmp_path)
    assert torch.allclose(model.encoder(frames[0]), other.encoder(frames[0]), atol=1e-4)
    for head in (model.head, other.head):
        head.semantics.from_text.load_state_dict(model.head.semantics.from_text.state_dict())
        head.semantics.to_text.load_state_dict(model.head.semantics.to_text.state_dict())
    assert torch.allclose(model(frames).logits, other(frames).logits, atol=1e-4)
    assert torch.allclose(model(frames).attention, other(frames).attention, atol=1e-4)
    own = model.head.head_final.linear.weight[:, : config.encoder.width]
    assert torch.equal(other.head.head_video.linear.weight, own)


def test_other_graphs_are_refused(config: Config, tmp_path: Path) -> None:
    model = made_model(config, 0)
    export(model, LABELS, tmp_path)
    with pytest.raises(ValueError, match="convolutions, this encoder has"):
        load_encoder(FrameEncoder(False), tmp_path / "head.onnx")
    wider = replace(config, head=replace(config.head, hidden=24))
    with pytest.raises(ValueError, match=r"head.onnx: enhance.0.feed.1.weight: found \[16, 16\]"):
        start_from(made_model(wider, 0), tmp_path)
    (tmp_path / "head.onnx").write_bytes((tmp_path / "clip.onnx").read_bytes())
    with pytest.raises(ValueError, match="head.onnx: .* found nothing, expected"):
        start_from(model, tmp_path)
