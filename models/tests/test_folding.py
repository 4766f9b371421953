"""What graphs compute against the trained modules, and the way back."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from conftest import LABELS
from torch import Tensor, nn

from artmodels.art import ArtHead
from artmodels.config import Config
from artmodels.folding import (
    FoldedContext,
    FoldedCross,
    FoldedFrame,
    FoldedGlobal,
    FoldedHead,
    FoldedSelf,
    factors,
)
from artmodels.labels import Attributes
from artmodels.layers import CrossLayer, SelfLayer
from artmodels.temporal import GlobalBranch, TokenContext
from artmodels.text import random_bank

WIDTH, HEADS, HIDDEN, PLACES, FRAMES, CHANNELS, GRID = 16, 4, 24, 9, 5, 12, 3


@pytest.fixture(autouse=True)
def _without_gradient() -> Iterator[None]:
    torch.manual_seed(0)
    with torch.no_grad():
        yield


def stirred(module: nn.Module, amount: float = 0.3) -> nn.Module:
    """No parameter is zero or one, as many are before training."""
    for parameter in module.parameters():
        parameter.add_(amount * torch.randn_like(parameter))
    return module.eval()


def same(found: Tensor, wanted: Tensor) -> None:
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=0)


def test_self_attention_and_back() -> None:
    layer, other = (stirred(SelfLayer(WIDTH, WIDTH, HEADS, HIDDEN)) for _ in range(2))
    x = torch.randn(3, PLACES, WIDTH)
    folded = FoldedSelf(layer, PLACES)
    same(folded(x.flatten(0, 1)).reshape(x.shape), layer(x))
    folded.onto(other)
    same(other(x), layer(x))


def test_cross_attention_and_back() -> None:
    layer, other = (stirred(CrossLayer(WIDTH, WIDTH, HEADS, HIDDEN)) for _ in range(2))
    queries, context = torch.randn(3, 2, WIDTH), torch.randn(3, PLACES, WIDTH)
    wanted, weights = layer(queries, context)
    folded = FoldedCross(layer, 2, PLACES)
    found, each = folded(queries.flatten(0, 1), nn.functional.layer_norm(context, (WIDTH,)))
    same(found.reshape(wanted.shape), wanted)
    same(each.mean(2), weights)
    folded.onto(other)
    again, weights_again = other(queries, context)
    same(again, wanted)
    same(weights_again, weights)


def test_factors_of_a_product() -> None:
    products = torch.randn(HEADS, WIDTH, 3) @ torch.randn(HEADS, 3, WIDTH)
    left, right = factors(products, 3)
    assert left.shape == (HEADS, WIDTH, 3) and right.shape == (HEADS, 3, WIDTH)
    same(left @ right, products)


def test_token_context_and_back(config: Config) -> None:
    sizes = (CHANNELS, GRID, FRAMES, 20, WIDTH)
    context, other = (stirred(TokenContext(*sizes)) for _ in range(2))
    tokens, moments = torch.randn(2, FRAMES, CHANNELS, GRID, GRID), torch.randn(2, FRAMES, 20)
    wanted = context(tokens, moments)

    def found(one: TokenContext) -> Tensor:
        places = one.project(tokens.flatten(3).transpose(2, 3)) + one.place
        return FoldedContext(one)(places, moments.flatten(0, 1)).reshape(wanted.shape)

    same(found(context), wanted)
    folded = FoldedContext(context)
    other.project, other.place = context.project, context.place
    folded.onto(other)
    same(other(tokens, moments), wanted)


@pytest.mark.parametrize("counting", [True, False])
def test_global_branch_and_back(config: Config, counting: bool) -> None:
    head = replace(config.head, counting=counting, temporal_layers=2)
    sizes = (CHANNELS, GRID, FRAMES, config.encoder, head)
    branch, other = (stirred(GlobalBranch(*sizes)) for _ in range(2))
    tokens = torch.randn(2, FRAMES, CHANNELS, GRID, GRID)
    wanted = branch(tokens)
    folded = FoldedGlobal(branch)
    video, moments = folded(wanted.embedded)
    same(video, wanted.video)
    same(moments.reshape(wanted.frames.shape), wanted.frames)
    other.embedding = branch.embedding
    folded.onto(other)
    same(other(tokens).video, wanted.video)


@pytest.mark.parametrize("layers", [(1, 2), (0, 1), (2, 1)], ids=str)
def test_the_whole_head(config: Config, layers: tuple[int, int]) -> None:
    sizes = replace(config.head, enhance_layers=layers[0], region_layers=layers[1], queries=3)
    bank = random_bank(len(LABELS), 12)
    attributes = Attributes.of(LABELS[:-1])
    head = ArtHead(CHANNELS, GRID, FRAMES, bank, attributes, config.encoder, sizes)
    stirred(head, 0.1)
    tokens = torch.randn(2, FRAMES, CHANNELS, GRID, GRID)
    wanted = head(tokens)
    features = (one.unflatten(0, (2, -1)) for one in FoldedFrame(head)(tokens.flatten(0, 1)))
    logits, boxes, relevance, attention, queries = FoldedHead(head)(*features)
    same(logits, wanted.logits)
    same(boxes, wanted.boxes)
    same(relevance, wanted.relevance)
    same(attention, wanted.attention)
    assert torch.equal(queries, wanted.queries)
