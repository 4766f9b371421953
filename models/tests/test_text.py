"""Label phrases and text banks."""

import json

import open_clip
import pytest
import torch
from torch.nn import functional as F

from artmodels.config import from_dict
from artmodels.phrases import VOCABULARIES, phrases
from artmodels.synthdive import CLASS_NAMES
from artmodels.synthdive import phrase as dive
from artmodels.text import TEMPLATES, clip_bank, filled
from artmodels.video import VideoConfig
from artmodels.video.bank import made_bank, source

NAMES = ["a back dive", "standing still", "a flic-flac"]
TINY_CLIP = {
    "embed_dim": 12,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 16},
    "text_cfg": {"context_length": 40, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2},
}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, torch.nn.Module]:
    """Weights and architecture file of a tiny CLIP of random weights, and the CLIP."""
    folder = tmp_path_factory.mktemp("clip")
    architecture, weights = folder / "tiny-clip.json", folder / "tiny-clip.pt"
    architecture.write_text(json.dumps(TINY_CLIP))
    open_clip.add_model_config(architecture)
    torch.manual_seed(0)
    model = open_clip.create_model("tiny-clip").eval()
    torch.save(model.state_dict(), weights)
    return str(weights), str(architecture), model


@pytest.mark.parametrize(
    ("vocabulary", "label", "phrase"),
    [
        ("plain", "ApplyEyeMakeup", "apply eye makeup"),
        ("plain", "riding_a_bike", "riding a bike"),
        ("plain", "Drink water", "drink water"),
        (
            "diving48",
            "Inward+25som+05Twis+PIKE",
            "an inward dive with two and a half somersaults and half a twist in pike position",
        ),
        ("finegym", "(FX) switch leap with 1 turn", "floor exercise, switch leap with one turn"),
        (
            "finegym",
            "(VT) round-off, flic-flac with 0.5 turn on, stretched salto forward with 1.5 turn off",
            "vault, round-off, flic-flac with half a turn on, stretched salto forward with one and "
            "a half turns off",
        ),
        (
            "finegym",
            "(UB) (swing forward) salto backward with 2 turn",
            "uneven bars, (swing forward) salto backward with two turns",
        ),
        (
            "finegym",
            "double salto backward tucked with 2.5 twist",
            "double salto backward tucked with two and a half twists",
        ),
        ("finegym", "(BB) 3 salto", "balance beam, three saltos"),
        ("diving48", "background", "no action, waiting"),
    ],
)  # fmt: skip
def test_labels_become_phrases(vocabulary: str, label: str, phrase: str) -> None:
    assert phrases([label], vocabulary) == [phrase]


def test_every_dive_has_a_phrase_of_its_own() -> None:
    said = phrases(list(CLASS_NAMES), "diving48")
    assert said == [dive(i) for i in range(48)] and len(set(said)) == 48
    with pytest.raises(ValueError, match="not a Diving48 class"):
        phrases(["somersault"], "diving48")
    with pytest.raises(ValueError, match="plain, diving48, finegym"):
        phrases(["somersault"], "gym")
    assert set(VOCABULARIES) == {"plain", "diving48", "finegym"}


def test_sixteen_templates_fill_template_by_template() -> None:
    assert len(set(TEMPLATES)) == 16 and all(each.count("{}") == 1 for each in TEMPLATES)
    texts = filled(NAMES)
    assert texts[:3] == [TEMPLATES[0].format(name) for name in NAMES]
    assert len(texts) == 48


def test_a_clip_bank_is_what_its_text_encoder_says(
    clip: tuple[str, str, torch.nn.Module],
) -> None:
    weights, architecture, model = clip
    bank = clip_bank(NAMES, weights, architecture)
    assert bank.shape == (16, 3, 12)
    tokens = open_clip.get_tokenizer("tiny-clip")([TEMPLATES[2].format(NAMES[1])])
    with torch.no_grad():
        want = F.normalize(model.encode_text(tokens)[0], dim=-1)
    assert torch.allclose(bank[2, 1], want, atol=1e-5)
    assert (bank[:, 0] @ bank[:, 1].T).diagonal().max() < 0.9999


def test_missing_weights_are_named(clip: tuple[str, str, torch.nn.Module]) -> None:
    with pytest.raises(FileNotFoundError, match="no file /nowhere"):
        clip_bank(NAMES, "/nowhere", clip[1])
    with pytest.raises(ValueError, match="'ViT-X' is none of"):
        clip_bank(NAMES, clip[0], "ViT-X")


def test_the_bank_comes_from_clip_where_its_weights_are(
    clip: tuple[str, str, torch.nn.Module],
) -> None:
    def config(**tables: dict[str, object]) -> VideoConfig:
        return from_dict(VideoConfig, {"head": {"kind": "art"}, **tables})

    assert source(config()) == "minilm"
    given = config(text={"weights": clip[0], "architecture": clip[1], "vocabulary": "diving48"})
    assert source(given) == "clip"
    said = phrases(list(CLASS_NAMES), "diving48")
    assert torch.equal(made_bank(given, list(CLASS_NAMES)), clip_bank(said, clip[0], clip[1]))
    assert made_bank(config(text={"source": "random"}), NAMES).shape == (16, 3, 384)
    assert made_bank(config(head={"kind": "average"}), NAMES).shape == (1, 3, 1)
    with pytest.raises(ValueError, match="clip, minilm, random"):
        made_bank(config(text={"source": "bert"}), NAMES)


def test_a_vision_transformer_takes_clips_weights(
    clip: tuple[str, str, torch.nn.Module],
) -> None:
    """The frames' class tokens, projected, are what CLIP's own picture encoder gives."""
    from artmodels.video import VideoModel

    weights, _, model = clip
    options = {"embed_dim": 64, "depth": 2, "num_heads": 2, "patch_size": 16, "num_classes": 12}
    values = {
        "data": {"size": 32, "frames": 2},
        "backbone": {
            "name": "vit_base_patch16_clip_224", "weights": weights, "options": options,
        },
    }  # fmt: skip
    video = VideoModel(from_dict(VideoConfig, values), torch.zeros(1, 3, 1)).eval()
    frames = torch.randint(0, 256, (1, 2, 32, 32, 3), dtype=torch.uint8)
    with torch.no_grad():
        pixels = video.backbone.pixels(frames[0])
        want = model.encode_image(pixels)
        tokens = video.backbone.each_frame(frames[0])[:, 0]
        assert torch.allclose(tokens @ model.visual.proj, want, atol=1e-4)
        assert torch.allclose(video.backbone(frames).video[0], tokens.mean(0), atol=1e-6)
