"""Networks put together from a config: every combination, its parts, its graphs."""

import itertools
import tomllib
from pathlib import Path

import onnxscript.optimizer
import pytest
import torch
from torch import Tensor, nn

from artmodels.config import from_dict, load
from artmodels.encoder import FrameEncoder
from artmodels.text import random_bank
from artmodels.video import VideoConfig, VideoModel
from artmodels.video.average import AverageHead
from artmodels.video.export import export_video
from artmodels.video.features import Features
from artmodels.video.objective import video_terms
from artmodels.video.shift import TemporalShift

LABELS = ["one", "two", "background"]
SMALL = {
    "data": {"size": 32, "frames": 4},
    "backbone": {"name": "test_resnet"},
    "tcm": {"reduced": 8, "patch": 5},
    "neck": {"layers": 2, "neurons": 3, "width": 8},
    "head": {
        "width": 16,
        "inner": 16,
        "heads": 2,
        "hidden": 16,
        "enhance_layers": 1,
        "region_layers": 1,
    },
}


def made(**tables: dict[str, object]) -> VideoModel:
    """A small network; ``tables`` are laid over SMALL."""
    torch.manual_seed(0)
    values = {key: {**SMALL.get(key, {}), **tables.get(key, {})} for key in {*SMALL, *tables}}
    model = VideoModel(from_dict(VideoConfig, values), random_bank(len(LABELS), 12))
    for module in model.modules():
        if isinstance(module, nn.Conv3d):  # what starts at zero would hide a difference
            nn.init.normal_(module.weight, std=0.1)
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
    return model


def pictures(model: VideoModel, clips: int = 2) -> Tensor:
    data = model.config.data
    return torch.randint(0, 256, (clips, data.frames, data.size, data.size, 3), dtype=torch.uint8)


def checked(model: VideoModel, folder: Path) -> None:
    """Forward, backward to every weight that has a part in it, export."""
    output = model(pictures(model))
    assert output.logits.shape == (2, len(LABELS))
    sum(video_terms(model, output, torch.eye(3)[:2]).values()).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
    assert max(export_video(model, LABELS, folder).values()) < 1e-3


COMBINATIONS = list(
    itertools.product(
        ("none", "both", "online"), (False, True), ("none", "dsts"), ("average", "art")
    )
)


@pytest.mark.parametrize(("shift", "tcm", "neck", "head"), COMBINATIONS)
def test_every_combination_learns_and_exports(
    shift: str, tcm: bool, neck: str, head: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnxscript.optimizer, "optimize", lambda graph: graph)  # most of the time
    model = made(
        backbone={"shift": shift}, tcm={"use": tcm}, neck={"kind": neck}, head={"kind": head}
    )
    checked(model, tmp_path)
    kind = {"none": "split", "both": "clip", "online": "stream"}[shift]
    assert (tmp_path / "encoder.onnx").exists() == (kind != "clip")
    manifest = tomllib.loads((tmp_path / "model.toml").read_text())
    assert manifest["graph"]["kind"] == kind
    assert ("boxes" in manifest["outputs"]) == (head == "art")


@pytest.mark.parametrize(
    "tables",
    [
        {
            "backbone": {"name": "tf_efficientnet_lite0", "shift": "both", "last": "res4"},
            "tcm": {"use": True},
            "neck": {"kind": "dsts"},
            "head": {"kind": "art"},
        },
        {"backbone": {"name": "test_vit"}, "neck": {"kind": "dsts"}, "head": {"kind": "art"}},
        {"backbone": {"name": "test_convnext"}, "tcm": {"use": True}},
    ],
    ids=["efficientnet", "vit", "convnext"],
)
def test_other_families(
    tables: dict[str, dict[str, object]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnxscript.optimizer, "optimize", lambda graph: graph)
    checked(made(**tables), tmp_path)


def test_a_written_model_is_whole(tmp_path: Path) -> None:
    checked(made(tcm={"use": True}, head={"kind": "art"}), tmp_path)
    manifest = tomllib.loads((tmp_path / "model.toml").read_text())
    assert manifest["input"]["frames"] == 4 and manifest["input"]["layout"] == "NHWC"
    assert set(manifest["graph"]["sha256"]) == {"encoder.onnx", "head.onnx"}
    assert manifest["labels"]["background"] == ["background"]
    clip = tomllib.loads((tmp_path / "clip.toml").read_text())
    assert clip["graph"]["kind"] == "clip" and clip["outputs"] == manifest["outputs"]


def test_shift_takes_channels_from_both_neighbours() -> None:
    x = torch.randn(6, 8, 2, 2)
    got, online = TemporalShift(3, 0.25, False)(x), TemporalShift(3, 0.25, True)(x)
    zero = torch.zeros(2, 2, 2)
    for b, t in itertools.product(range(2), range(3)):
        now = x[3 * b + t]
        after = x[3 * b + t + 1, :2] if t < 2 else zero
        before = x[3 * b + t - 1] if t > 0 else torch.zeros(8, 2, 2)
        assert torch.equal(got[3 * b + t], torch.cat([after, before[2:4], now[4:]]))
        assert torch.equal(online[3 * b + t], torch.cat([before[:2], now[2:]]))


@pytest.mark.parametrize("shift", ["none", "both", "online"])
def test_which_frames_a_frame_sees(shift: str) -> None:
    model = made(backbone={"shift": shift}).eval()
    frames = pictures(model, 1)
    other = frames.clone()
    other[:, 2] = 255 - other[:, 2]
    difference = (model.backbone(frames).maps - model.backbone(other).maps)[0].abs()
    changed = difference.amax((1, 2, 3)) > 1e-6
    sees = {"none": [2], "both": [0, 1, 2, 3], "online": [2, 3]}[shift]
    assert changed.nonzero().flatten().tolist() == sees


def test_only_directional_networks_know_the_order() -> None:
    for shift, blind in (("none", True), ("both", False), ("online", False)):
        model = made(backbone={"shift": shift}).eval()
        frames = pictures(model)
        same = torch.allclose(model(frames).logits, model(frames.flip(1)).logits, atol=1e-6)
        assert same == blind


def test_tcm_goes_after_the_named_stage() -> None:
    for after, patch in (("res2", 15), ("res3", 15), ("res4", 7), ("res5", 3)):
        model = made(tcm={"use": True, "after": after, "patch": 0})
        names = list(model.backbone.steps)
        assert names.index(f"{after}_tcm") == names.index(after) + 1
        assert model.backbone.steps[f"{after}_tcm"].dynamics.radius == patch // 2
        assert model.backbone.framewise == names.index(after) + 1


def test_the_last_stage_may_be_named() -> None:
    model = made(backbone={"last": "res4"})
    assert list(model.backbone.steps) == ["res1", "res2", "res3", "res4"]
    assert model.backbone(pictures(model)).maps.shape == (2, 4, 192, 2, 2)


def test_the_backbone_computes_what_timm_does() -> None:
    model = made(backbone={"name": "tf_efficientnet_lite0", "last": "res4"}, data={"size": 64})
    reference = FrameEncoder(pretrained=False)
    backbone = model.backbone.eval()
    own, state = backbone.state_dict().values(), reference.state_dict()
    reference.load_state_dict(dict(zip(state, own, strict=True)))
    frames = pictures(model)[0]
    with torch.no_grad():
        x = (frames.float() / 255 - 0.5) / 0.5
        want = reference.eval().tail(reference.trunk(x.permute(0, 3, 1, 2)))
        assert torch.allclose(backbone(frames[None]).maps[0], want, atol=1e-4)


def test_an_average_is_a_vote_of_frames() -> None:
    head, maps = AverageHead(6, 4, 0.5).eval(), torch.randn(2, 3, 6, 5, 5)
    votes = [head.linear(maps[:, t].mean((2, 3))) for t in range(3)]
    assert torch.allclose(head(Features(maps)), sum(votes) / 3, atol=1e-6)


def test_eq_18_has_six_terms() -> None:
    model = made(head={"kind": "art"})
    terms = video_terms(model, model(pictures(model)), torch.eye(3)[:2])
    assert set(terms) == {"final", "video", "semantics", "spatial", "temporal", "tracklet"}
    agent = model.head.semantics.bank.agent
    for name, term in terms.items():
        gradient = torch.autograd.grad(term, agent, retain_graph=True, allow_unused=True)[0]
        assert (gradient is not None) == (name == "semantics"), name
    model = made()
    assert set(video_terms(model, model(pictures(model)), torch.eye(3)[:2])) == {"final"}
    model = made(head={"kind": "art"}, objective={"levels": ["tracklet"]})
    terms = video_terms(model, model(pictures(model)), torch.eye(3)[:2])
    assert set(terms) == {"final", "video", "semantics", "tracklet"}
    model = made(head={"kind": "art"}, objective={"levels": ["spacial"]})
    with pytest.raises(ValueError, match="spatial, temporal, tracklet"):
        video_terms(model, model(pictures(model)), torch.eye(3)[:2])


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"backbone": {"last": "res9"}}, "has no res9, it has res1"),
        ({"backbone": {"shift": "left"}}, "none, both, online"),
        ({"backbone": {"name": "test_vit", "shift": "both"}}, "no residual block"),
        ({"backbone": {"name": "test_vit"}, "tcm": {"use": True}}, "goes between convolutions"),
        ({"backbone": {"temporal": "dia"}}, "dia needs a vision transformer"),
        ({"backbone": {"temporal": "left"}}, "none, uniformer, aim, dia, tea"),
        ({"backbone": {"name": "test_vit", "temporal": "tea"}}, "needs a ResNet"),
        ({"backbone": {"name": "test_convnext", "temporal": "tea"}}, "no bottleneck"),
        ({"backbone": {"temporal": "tea", "shift": "both"}}, "use shift = 'none'"),
        ({"backbone": {"weights": "/nowhere"}}, "no file /nowhere"),
        ({"tcm": {"use": True, "after": "res7"}}, "no res7 to put TCM after"),
        ({"neck": {"kind": "fpn"}}, "none, dsts"),
        ({"head": {"kind": "max"}}, "average, art"),
        ({"head": {"kind": "art", "prompts": "all"}}, "index, frame"),
        ({"data": {"size": 40}}, "no multiple of test_resnet's stride 32"),
    ],
)
def test_senseless_configs_are_named(tables: dict[str, dict[str, object]], message: str) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        made(**tables)


def test_a_file_picks_the_parts(tmp_path: Path) -> None:
    path = tmp_path / "network.toml"
    path.write_text(
        'name = "x"\n[backbone]\nname = "test_resnet"\nshift = "both"\n[tcm]\nuse = true\n'
    )
    config = load(path, VideoConfig)
    assert config.backbone.shift == "both" and config.tcm.after == "res3"
    with pytest.raises(ValueError, match="unknown key 'afer'"):
        from_dict(VideoConfig, {"tcm": {"afer": "res4"}})
