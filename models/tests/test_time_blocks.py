"""The blocks that model time inside backbones: against naive loops, at their start, by size."""

import pytest
import torch
from timm.models.vision_transformer import Block
from torch import Tensor, nn
from torch.nn import functional as F

from artmodels.video import VideoModel
from artmodels.video.adapters import Adapter, AimBlock, DiaBlock, DirectionalAdapter
from artmodels.video.config import AdapterConfig
from artmodels.video.model import tunable
from artmodels.video.shift import TemporalShift
from artmodels.video.sliding import repeated, silent, slide
from artmodels.video.streaming import StreamedShift
from artmodels.video.systems import system
from artmodels.video.tea import MotionExcitation, TemporalAggregation, TemporalConvolution
from artmodels.video.tiny import pictures, tiny
from artmodels.video.uniformer import GlobalBlock, LocalBlock, LocalRelation

FRAMES, CHANNELS, PREFIX, GRID = 4, 16, 1, 2
PLACES = PREFIX + GRID * GRID


def block() -> Block:
    torch.manual_seed(0)
    return Block(CHANNELS, num_heads=2, qkv_bias=True).eval()


def tokens(clips: int = 2) -> Tensor:
    return torch.randn(clips * FRAMES, PLACES, CHANNELS)


def drawn(module: nn.Module) -> nn.Module:
    """With every zero of a fresh module drawn."""
    for parameter in module.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.5)
    return module.eval()


def test_slide_equals_a_depthwise_convolution() -> None:
    x, kernel = torch.randn(2, FRAMES, 3, 5), torch.randn(3, 5)
    got = slide(silent(x, 1, 1), kernel.unsqueeze(1))
    want = F.conv1d(x.permute(0, 2, 3, 1).flatten(0, 1), kernel.t()[:, None], padding=1, groups=5)
    assert torch.allclose(got, want.unflatten(0, (2, 3)).permute(0, 3, 1, 2), atol=1e-6)
    assert torch.equal(repeated(x, 2, 1)[:, [0, 1, -1]], x[:, [0, 0, -1]])


@pytest.mark.parametrize(
    "made",
    [
        lambda: DirectionalAdapter(CHANNELS, FRAMES, AdapterConfig()),
        lambda: LocalRelation(CHANNELS, FRAMES, 1.5).eval(),
    ],
    ids=["directional adapter", "local relation"],
)
def test_residual_modules_start_as_the_identity(made: object) -> None:
    module, x = made(), tokens()
    assert torch.equal(module(x), x)
    assert not torch.equal(drawn(module)(x), x)


def test_adapted_blocks_start_as_the_block() -> None:
    plain, x = block(), tokens()
    want = plain(x)
    config = AdapterConfig()
    for adapted in (
        DiaBlock(plain, CHANNELS, PREFIX, FRAMES, config),
        AimBlock(plain, CHANNELS, FRAMES, config),
        LocalBlock(plain, CHANNELS, PREFIX, FRAMES, 1.5).eval(),
    ):
        assert torch.allclose(adapted(x), want, atol=1e-6)
    token, context = torch.randn(2, 1, CHANNELS), torch.randn(2, FRAMES, PLACES, CHANNELS)
    assert torch.equal(GlobalBlock(CHANNELS, 2, PREFIX, GRID)(token, context), token)


def test_the_first_gradients_of_adapters_reach_what_starts_at_zero() -> None:
    module = DirectionalAdapter(CHANNELS, FRAMES, AdapterConfig())
    module(tokens()).square().sum().backward()
    assert module.up.weight.grad.any() and not module.down.weight.grad.any()
    drawn(module)(tokens()).square().sum().backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad.any(), name


@pytest.mark.parametrize(("direction", "reads"), [("causal", [0, 1, 2]), ("anticausal", [2, 3])])
def test_directions_of_the_directional_adapter(direction: str, reads: list[int]) -> None:
    """Frame 2 reads itself and what lies on its side; the window's end frames are repeated."""
    config = AdapterConfig(width=3, kernel=3, direction=direction)
    module = drawn(DirectionalAdapter(CHANNELS, FRAMES, config))
    z = torch.randn(1, FRAMES, PLACES, 3)
    kernel = module.kernels[direction]
    before = [max(i, 0) for i in (0, 1, 2)] if direction == "causal" else [2, 3, 3]
    want = sum(kernel[i] * z[0, t] for i, t in enumerate(before))
    assert torch.allclose(module.mixed(z)[0, 2], want, atol=1e-6)
    first = [0, 0, 0] if direction == "causal" else [0, 1, 2]
    want = sum(kernel[i] * z[0, t] for i, t in enumerate(first))
    assert torch.allclose(module.mixed(z)[0, 0], want, atol=1e-6)
    for t in range(FRAMES):
        other = z.clone()
        other[0, t] += 1
        changed = not torch.allclose(module.mixed(other)[0, 2], module.mixed(z)[0, 2])
        assert changed == (t in reads)


def test_both_directions_are_weighed_by_a_softmax() -> None:
    config = AdapterConfig(width=3, kernel=3)
    module = drawn(DirectionalAdapter(CHANNELS, FRAMES, config))
    z = torch.randn(2, FRAMES, PLACES, 3)
    share = torch.softmax(module.balance, 0)
    assert share.sum().item() == pytest.approx(1)
    parts = []
    for direction in ("causal", "anticausal"):
        one = DirectionalAdapter(CHANNELS, FRAMES, AdapterConfig(0, 3, 3, direction))
        one.kernels[direction] = module.kernels[direction]
        parts.append(one.mixed(z))
    assert torch.allclose(module.mixed(z), share[0] * parts[0] + share[1] * parts[1], atol=1e-6)
    with pytest.raises(ValueError, match="both, causal, anticausal"):
        DirectionalAdapter(CHANNELS, FRAMES, AdapterConfig(direction="left"))


def test_class_tokens_pass_directional_adapters_by() -> None:
    plain, x = block(), tokens()
    adapted = drawn(DiaBlock(plain, CHANNELS, PREFIX, FRAMES, AdapterConfig()))
    difference = (adapted(x) - plain(x)).abs().amax((0, 2))
    assert difference[0] == 0 and (difference[1:] > 1e-3).all()


def test_aim_equals_its_equations() -> None:
    plain, x = block(), tokens(1)
    adapted = drawn(AimBlock(plain, CHANNELS, FRAMES, AdapterConfig(scale=0.5)))
    assert isinstance(adapted.temporal, Adapter)
    z = x.clone()
    for place in range(PLACES):
        line = x[:, place].unsqueeze(0)
        z[:, place] += adapted.temporal(plain.attn(plain.norm1(line)))[0]
    mixed = plain.attn(plain.norm1(z))
    z = z + mixed + adapted.spatial(mixed)
    normed = plain.norm2(z)
    want = z + plain.mlp(normed) + 0.5 * adapted.joint(normed)
    assert torch.allclose(adapted(x), want, atol=1e-5)


def counted(name: str, classes: int, frames: int) -> int:
    data = {"size": 224, "frames": frames}
    base = {"data": data, "backbone": {"name": "vit_base_patch16_clip_224"}}
    with torch.device("meta"):
        return tunable(VideoModel(system(name, base), torch.zeros(1, classes, 1)))


def test_tunable_parameters_are_those_reported() -> None:
    """DiA reports 3.6 million and AIM 11 million on ViT-B/16; both exactly by the formulas."""
    width, inner, blocks, classes, frames = 768, 192, 12, 48, 32
    bottleneck = width * inner + inner + inner * width + width
    linear = width * classes + classes
    dia = blocks * (bottleneck + 2 * 5 * inner + 2) + linear
    aim = blocks * 3 * bottleneck + frames * width + linear
    assert counted("DiA", classes, frames) == dia == 3_610_440
    assert counted("AIM", classes, frames) == aim


def test_only_adapters_and_the_head_learn() -> None:
    model = tiny("DiA", 3)
    open_ = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert all(".adapter." in name or name.startswith("head.") for name in open_)
    assert sum(".adapter.up.weight" in name for name in open_) == 6


def test_a_frozen_network_keeps_its_statistics() -> None:
    model = tiny("TSN", 3, {"backbone": {"frozen": True}})
    before = {k: v.clone() for k, v in model.backbone.state_dict().items()}
    model.train()(pictures(model, 2))
    assert all(torch.equal(v, before[k]) for k, v in model.backbone.state_dict().items())
    assert tunable(model) == sum(p.numel() for p in model.head.parameters())
    model = tiny("TSN", 3)
    before = {k: v.clone() for k, v in model.backbone.state_dict().items()}
    model.train()(pictures(model, 2))
    assert not all(torch.equal(v, before[k]) for k, v in model.backbone.state_dict().items())


def test_local_relations_equal_a_loop() -> None:
    module = drawn(LocalRelation(CHANNELS, FRAMES, 1.5))
    assert module.down.out_features == int(CHANNELS / 1.5)
    x = tokens(1)
    z = module.down(module.norm(x.flatten(0, 1)).unflatten(0, x.shape[:2]))
    for t in range(FRAMES):
        near = [(i, t + i - 1) for i in range(3) if 0 <= t + i - 1 < FRAMES]
        mixed = sum(module.kernel[i] * z[s] for i, s in near) + module.bias
        assert torch.allclose(module(x)[t], x[t] + module.up(mixed), atol=1e-5)


def test_a_global_block_reads_every_token() -> None:
    module = drawn(GlobalBlock(CHANNELS, 2, PREFIX, GRID))
    token, context = torch.randn(1, 1, CHANNELS), torch.randn(1, FRAMES, PLACES, CHANNELS)
    want = module(token, context)
    for t in range(FRAMES):
        for place in range(PLACES):
            other = context.clone()
            other[0, t, place] += 1 + torch.randn(CHANNELS)
            assert not torch.allclose(module(token, other), want, atol=1e-6)


def test_x_cls_is_between_the_video_token_and_the_frames_class_tokens() -> None:
    model = tiny("UniFormerV2+ART", 3)
    backbone = model.backbone
    features = backbone.each_frame(pictures(model, 1)[0])[None]
    assert features.shape[2] == len(backbone.globals) == 2
    classes = features[:, :, -1, 0].mean(1)
    with torch.no_grad():
        backbone.balance.fill_(50.0)
        assert torch.allclose(backbone.over_frames(features).video, backbone.norm(classes))
        backbone.balance.fill_(-50.0)
        token = backbone.token
        for depth, each in enumerate(backbone.globals):
            token = each(token, features[:, :, depth])
        want = backbone.norm(token[:, 0])
        assert torch.allclose(backbone.over_frames(features).video, want, atol=1e-5)


def test_local_relations_join_frames_and_global_blocks_alone_do_not() -> None:
    for local, joined in ((False, False), (True, True)):
        model = tiny("UniFormerV2+ART", 3, {"uniformer": {"local": local}})
        frames = pictures(model, 1)
        other = frames.clone()
        other[:, 2] = 255 - other[:, 2]
        difference = (model.backbone(frames).maps - model.backbone(other).maps)[0].abs()
        changed = difference.amax((1, 2, 3)) > 1e-5
        assert changed.tolist() == ([True] * 4 if joined else [False, False, True, False])
        assert not torch.allclose(model.backbone(frames).video, model.backbone(other).video)


def test_motion_excitation_equals_its_equations() -> None:
    module = MotionExcitation(CHANNELS, FRAMES, 4).eval()
    x = torch.randn(FRAMES, CHANNELS, 5, 5)
    reduced = module.reduce(x)
    assert reduced.shape[1] == CHANNELS // 4
    got = module(x)
    for t in range(FRAMES):
        motion = torch.zeros_like(reduced[:1])
        if t + 1 < FRAMES:
            motion = module.move(reduced[t + 1 : t + 2]) - reduced[t : t + 1]
        excited = 2 * torch.sigmoid(module.expand(motion.mean((2, 3), keepdim=True))) - 1
        assert torch.allclose(got[t], (x[t] + x[t] * excited[0]), atol=1e-5)


def test_a_still_clip_excites_nothing() -> None:
    module = MotionExcitation(CHANNELS, FRAMES, 4).eval()
    nn.init.dirac_(module.move.weight, groups=CHANNELS // 4)
    x = torch.randn(1, CHANNELS, 5, 5).expand(FRAMES, -1, -1, -1)
    assert torch.allclose(module(x), x, atol=1e-6)


def test_temporal_aggregation_equals_its_equations() -> None:
    x = torch.randn(FRAMES, CHANNELS, 6, 6)
    module = TemporalAggregation(CHANNELS, 1, FRAMES, 0.25)
    found = []
    for i, fragment in enumerate(x.chunk(4, 1)):
        if i == 0:
            found.append(fragment)
        else:
            found.append(module.fragments[i - 1](fragment + found[-1] if i > 1 else fragment))
    assert torch.allclose(module(x), torch.cat(found, 1), atol=1e-6)
    assert TemporalAggregation(CHANNELS, 2, FRAMES, 0.25)(x).shape == (FRAMES, CHANNELS, 3, 3)
    with pytest.raises(ValueError, match="multiple of 4"):
        TemporalAggregation(6, 1, FRAMES, 0.25)


def test_temporal_convolutions_start_as_a_shift() -> None:
    x = torch.randn(2 * FRAMES, 8, 3, 3)
    want = TemporalShift(FRAMES, 0.25, online=False)(x)
    assert torch.equal(TemporalConvolution(8, FRAMES, 0.25)(x), want)


def test_tea_keeps_the_weights_of_a_res2net() -> None:
    """With excitation and temporal convolutions at rest it computes what Res2Net does."""
    options = {"layers": [1, 1, 1, 1], "channels": [16, 16, 16, 16], "base_width": 32}
    backbone = {"name": "res2net50_26w_4s", "options": options}
    model = tiny("TEA+ART", 3, {"backbone": backbone})
    rest = tiny("TSN", 3, {"backbone": backbone})
    for module in model.modules():
        if isinstance(module, TemporalConvolution):
            module.kernel.data = torch.tensor([0.0, 1.0, 0.0])[:, None].expand(3, 8).clone()
        if isinstance(module, MotionExcitation):
            nn.init.zeros_(module.expand[1].weight)
            nn.init.zeros_(module.expand[1].bias)
    own = {
        k: v
        for k, v in model.backbone.state_dict().items()
        if ".kernel" not in k and ".bn1.2." not in k
    }
    state = rest.backbone.state_dict()
    rest.backbone.load_state_dict(dict(zip(state, own.values(), strict=True)))
    frames = pictures(model, 2)
    got, want = model.backbone(frames).maps, rest.backbone(frames).maps
    assert torch.allclose(got, want, atol=1e-4)


def test_a_streamed_shift_is_a_shift_sample_by_sample() -> None:
    x = torch.randn(FRAMES, 8, 3, 3)
    want, streamed = TemporalShift(FRAMES, 0.25, online=True)(x), StreamedShift(0.25)
    for t in range(FRAMES):
        assert torch.equal(streamed(x[t : t + 1])[0], want[t])
        streamed.state = streamed.following
