"""TCM: its size, known shifts, naive loops, gradients and its graph."""

import numpy as np
import pytest
import torch
from torch import Tensor

from artmodels.graph import session, to_onnx
from artmodels.tcm import TemporalCorrelation
from artmodels.tcm.attention import TemporalAttention, kernel_size
from artmodels.tcm.correlation import displacements, local_correlation
from artmodels.tcm.dynamics import TemporalDynamics
from artmodels.tcm.matching import soft_argmax


def shifted(x: Tensor, dx: int, dy: int) -> Tensor:
    """Content moved by (dx, dy) cells over an edge of fresh noise."""
    moved = torch.randn_like(x)
    height, width = x.shape[-2:]
    to_y, to_x = slice(max(dy, 0), height + min(dy, 0)), slice(max(dx, 0), width + min(dx, 0))
    from_y, from_x = slice(max(-dy, 0), height - max(dy, 0)), slice(max(-dx, 0), width - max(dx, 0))
    moved[..., to_y, to_x] = x[..., from_y, from_x]
    return moved


def test_the_papers_size() -> None:
    assert sum(p.numel() for p in TemporalCorrelation(512, 8).parameters()) == 71_163


def test_correlation_equals_a_loop() -> None:
    torch.manual_seed(0)
    a, b, radius = torch.randn(2, 5, 6, 7), torch.randn(2, 5, 6, 7), 3
    got = local_correlation(a, b, radius)
    want = torch.zeros(2, 49, 6, 7)
    for n in range(2):
        for y in range(6):
            for x in range(7):
                for d, (dx, dy) in enumerate(zip(*displacements(radius), strict=True)):
                    if 0 <= y + dy < 6 and 0 <= x + dx < 7:
                        one, two = a[n, :, y, x], b[n, :, y + dy, x + dx]
                        want[n, d, y, x] = max(0.0, one @ two / (one.norm() * two.norm()))
    assert (got - want).abs().max() < 1e-5


@pytest.mark.parametrize(("dx", "dy"), [(3, 2), (-7, 0), (0, -5), (7, 7), (0, 0)])
def test_a_known_shift_is_recovered(dx: int, dy: int) -> None:
    torch.manual_seed(0)
    first = torch.randn(1, 64, 20, 20)
    maps = soft_argmax(local_correlation(first, shifted(first, dx, dy), 7), 7)
    stays = np.s_[:, :, max(-dy, 0) : 20 - max(dy, 0), max(-dx, 0) : 20 - max(dx, 0)]
    u, v, confidence = maps[stays].unbind(1)
    assert (u * 7 - dx).abs().max() < 1e-5 and (v * 7 - dy).abs().max() < 1e-5
    assert (confidence - 1).abs().max() < 1e-5


def test_tempos_have_their_own_anchors_and_the_last_map_repeats() -> None:
    torch.manual_seed(0)
    base = torch.randn(1, 64, 24, 24)
    clip = torch.cat([base, *(base.roll(step * 2, -1) for step in (1, 2, 3))])
    dynamics = TemporalDynamics(64, 4)
    dynamics.reduce = torch.nn.Identity()
    u_fast, _, _, u_slow, _, _ = (7 * dynamics(clip)[:, :, 8:16, 8:16]).mean((2, 3)).unbind(1)
    assert u_fast.tolist() == pytest.approx([2, 2, 2, 2], abs=1e-4)
    assert u_slow.tolist() == pytest.approx([2, 4, 6, 6], abs=1e-4)


def test_interleaving_puts_like_maps_together() -> None:
    torch.manual_seed(0)
    x = torch.randn(3, 8, 5, 5)
    plain, tidy = (TemporalDynamics(8, 3, 8, 5, interleaved=i).eval() for i in (False, True))
    tidy.load_state_dict(plain.state_dict())
    assert torch.equal(plain(x)[:, [0, 3, 1, 4, 2, 5]], tidy(x))


def test_attention_weighs_every_frame_of_every_channel() -> None:
    assert [kernel_size(t) for t in (2, 4, 8, 16, 20)] == [1, 3, 3, 5, 5]
    attention = TemporalAttention(4)
    x = torch.randn(8, 3, 2, 2)
    got = attention(x)
    k = attention.conv.weight.flatten()
    for b in range(2):
        for c in range(3):
            means = [0.0, *(x[b * 4 + t, c].mean() for t in range(4)), 0.0]
            for t in range(4):
                weight = torch.sigmoid(sum(k[i] * means[t + i] for i in range(3)))
                assert torch.allclose(got[b * 4 + t, c], x[b * 4 + t, c] * weight, atol=1e-6)


def test_the_block_adds_and_never_takes_away() -> None:
    x = torch.randn(8, 16, 6, 6)
    assert (TemporalCorrelation(16, 4, 8, 5)(x) - x).min() >= 0


@pytest.mark.parametrize("tempos", [("fast",), ("slow",), ("fast", "slow")])
def test_gradients_reach_every_weight(tempos: tuple[str, ...]) -> None:
    torch.manual_seed(0)
    block = TemporalCorrelation(12, 4, 8, 5, tempos)
    x = torch.randn(8, 12, 6, 6, requires_grad=True)
    block(x).square().sum().backward()
    assert x.grad.isfinite().all()
    for name, parameter in block.named_parameters():
        assert parameter.grad.isfinite().all() and parameter.grad.abs().sum() > 0, name


def test_clips_do_not_see_one_another() -> None:
    torch.manual_seed(0)
    block = TemporalCorrelation(12, 4, 8, 5).eval()
    x = torch.randn(8, 12, 6, 6)
    assert torch.allclose(block(x)[4:], block(x[4:]), atol=1e-5)


def test_the_graph_equals_pytorch_for_any_batch() -> None:
    torch.manual_seed(0)
    block = TemporalCorrelation(32, 4).eval()
    x = torch.randn(8, 32, 14, 14)
    graph = session(to_onnx(block, x, ["x"], ["y"], dynamic=True))
    for example in (x, torch.randn(4, 32, 14, 14)):
        with torch.no_grad():
            want = block(example).numpy()
        assert np.abs(graph.run(None, {"x": example.numpy()})[0] - want).max() < 1e-4


def test_senseless_sizes_are_named() -> None:
    with pytest.raises(ValueError, match="two frames"):
        TemporalCorrelation(8, 1)
    with pytest.raises(ValueError, match="odd"):
        TemporalCorrelation(8, 4, patch=14)
    with pytest.raises(ValueError, match="known are fast, slow"):
        TemporalCorrelation(8, 4, tempos=("medium",))
