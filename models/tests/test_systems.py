"""Every system of the table in its small form: graphs against PyTorch, checkpoints, cards."""

import tomllib
from pathlib import Path

import onnxscript.optimizer
import pytest
import torch

from artmodels.video import VideoModel
from artmodels.video.card import Facts
from artmodels.video.checkpoint import load_video, save_video
from artmodels.video.export import export_video, outputs_of
from artmodels.video.objective import video_terms
from artmodels.video.systems import system
from artmodels.video.tiny import SYSTEMS, pictures, tiny

LABELS = ["one", "two", "three", "background"]
KINDS = {"TSN": "split", "UniFormerV2+ART": "split"} | {
    name: "stream" for name in SYSTEMS if name.startswith("online")
}


def learns(model: VideoModel) -> None:
    """A gradient reaches every weight that is open to training, and no other."""
    model.train()
    output = model(pictures(model, 2))
    sum(video_terms(model, output, torch.eye(len(LABELS))[:2]).values()).backward()
    for name, parameter in model.named_parameters():
        assert (parameter.grad is not None) == parameter.requires_grad, name
        assert parameter.grad is None or parameter.grad.isfinite().all(), name
    model.eval()


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_learns_and_exports(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnxscript.optimizer, "optimize", lambda graph: graph)  # most of the time
    model = tiny(name, len(LABELS))
    learns(model)
    with torch.no_grad():
        logits = model(pictures(model, 2)).logits
    assert logits.std() > 0.5  # what is compared below is no field of zeros
    gaps = export_video(model, LABELS, tmp_path)
    assert max(gaps.values()) < 1e-3
    kind = KINDS.get(name, "clip")
    manifest = tomllib.loads((tmp_path / "model.toml").read_text())
    assert manifest["graph"]["kind"] == kind
    assert {what.split(",")[1].split()[0] for what in gaps} >= {kind, "clip"}
    assert (tmp_path / "clip.toml").exists() == (kind != "clip")


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("UniFormerV2+ART", {"uniformer": {"local": True, "layers": 4}}),
        ("TEA+ART", {"backbone": {"name": "res2net50_26w_4s", "options": {
            "layers": [1, 1, 1, 1], "channels": [16, 16, 16, 16], "base_width": 32}}}),
        ("DiA", {"adapter": {"layers": 2}, "neck": {"kind": "dsts"}}),
        ("AIM", {"adapter": {"layers": 2}, "head": {"kind": "art"}}),
        ("TSM+ART", {"head": {"query": "learned", "aggregation": "mean", "enhance_layers": 0}}),
        ("TSM+ART", {"head": {"query": "random", "prompts": "frame"}, "bank": {"tuned": False}}),
    ],
    ids=["local relations", "Res2Net", "DiA+DSTS", "AIM+ART", "learned queries", "random queries"],
)  # fmt: skip
def test_variants_learn_and_export(
    name: str,
    changes: dict[str, dict[str, object]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(onnxscript.optimizer, "optimize", lambda graph: graph)
    model = tiny(name, len(LABELS), changes)
    learns(model)
    assert max(export_video(model, LABELS, tmp_path).values()) < 1e-3
    adapted = "adapter" in changes
    kind = tomllib.loads((tmp_path / "model.toml").read_text())["graph"]["kind"]
    assert kind == ("split" if adapted else "clip")


def test_learned_queries_have_no_names() -> None:
    assert "queries" in outputs_of(tiny("TSM+ART", 4))
    assert "queries" not in outputs_of(tiny("TSM+ART", 4, {"head": {"query": "learned"}}))


def test_a_model_file_gives_the_model_back(tmp_path: Path) -> None:
    model = tiny("TSM+ART", len(LABELS), {"head": {"query": "random"}})
    facts = Facts(data="Four clips.", figures="Top-1 25 %.")
    save_video(model, LABELS, tmp_path / "model.pt", facts)
    again, labels, said = load_video(tmp_path / "model.pt")
    frames = pictures(model, 2)
    assert torch.equal(again(frames).logits, model(frames).logits)
    assert labels == LABELS and said == facts and again.config == model.config
    torch.save({"config": {}}, tmp_path / "other.pt")
    with pytest.raises(ValueError, match="no model file of a video network"):
        load_video(tmp_path / "other.pt")


def test_a_card_says_what_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxscript.optimizer, "optimize", lambda graph: graph)
    model = tiny("DiA", len(LABELS))
    export_video(model, LABELS, tmp_path, Facts(data="Four clips.", licence="None."))
    card = (tmp_path / "README.md").read_text()
    for words in ("random weights, frozen", "DiA", "Four clips.", "Not measured", "None.", "4 fr"):
        assert words in card, words


def test_unknown_systems_are_named() -> None:
    with pytest.raises(ValueError, match="one of TSN, TSM.*TCM"):
        system("I3D", {})
    with pytest.raises(ValueError, match="TSM.any"):
        system("TSM+any", {})
