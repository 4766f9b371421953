"""DSTS: routing, gates, both forms of a layer, the meta step, its graph."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from artmodels.dsts import SpecialisationNeck, UpstreamDownstream
from artmodels.dsts.gates import ChannelGates
from artmodels.dsts.learning import without_trace
from artmodels.dsts.neck import SpecialisationLayer
from artmodels.dsts.neurons import Neurons, Surroundings
from artmodels.dsts.norm import RoutedBatchNorm
from artmodels.dsts.synapse import Synapse
from artmodels.graph import session, to_onnx


def test_scores_collapse_to_one_linear_layer_on_the_pooled_input() -> None:
    torch.manual_seed(0)
    x, kernels = torch.randn(3, 6, 4, 5, 5), torch.randn(7, 8, 6, 1, 1, 1)
    want = torch.stack([F.conv3d(x, kernel).sum((1, 2, 3, 4)) for kernel in kernels], dim=1)
    synapse = Synapse(6, 7, pool="sum")
    with torch.no_grad():
        synapse.scores.copy_(kernels.sum(1).flatten(1))
        assert torch.allclose(synapse(x), want, rtol=1e-4, atol=1e-3)
        synapse.pool = "mean"
        assert torch.allclose(synapse(x) * 100, want, rtol=1e-4, atol=1e-3)


def test_a_choice_is_one_hot_and_follows_the_impulses() -> None:
    torch.manual_seed(0)
    synapse = Synapse(6, 4)
    choice = synapse.choose(torch.tensor([[0.0, 30.0, 0.0, 0.0]]).repeat(100, 1))
    assert torch.equal(choice.sum(1), torch.ones(100)) and (choice[:, 1] == 1).all()
    drawn = synapse.choose(torch.log(torch.tensor([0.5, 0.3, 0.2, 1e-9])).repeat(4000, 1)).mean(0)
    assert drawn.tolist() == pytest.approx([0.5, 0.3, 0.2, 0], abs=0.03)


def test_gates_are_hard_at_test_and_soft_half_of_the_time_in_training() -> None:
    torch.manual_seed(0)
    gates = ChannelGates(400, 16)
    b = gates()
    assert b.min() >= 0 and b.max() <= 1 and b.mean().item() == pytest.approx(0.5, abs=0.02)
    hard = ((b - b.round()).abs() < 1e-6).all(1).float().mean().item()
    assert hard == pytest.approx(0.5, abs=0.1)
    with torch.no_grad():
        gates.g.copy_(torch.linspace(-1, 1, 16).expand(400, -1))
    assert gates.eval()()[0].tolist() == [0.0] * 8 + [1.0] * 8


def test_gradient_reaches_every_gate() -> None:
    torch.manual_seed(0)
    gates = ChannelGates(5, 8)
    for _ in range(4):  # where |g + noise| > 2.4 the clip of the soft value has no slope
        (gates() * torch.randn(5, 8)).sum().backward()
    assert (gates.g.grad != 0).all()


def test_norm_sees_only_the_rows_it_was_chosen_for() -> None:
    torch.manual_seed(0)
    norm, plain = RoutedBatchNorm(3, 4), nn.BatchNorm1d(4)
    x, chosen = torch.randn(5, 4, 18), torch.tensor([True, False, True, True, False])
    assert torch.allclose(norm(x, 1, chosen)[chosen], plain(x[chosen]), atol=1e-5)
    assert torch.allclose(norm.running_mean[1], plain.running_mean, atol=1e-6)
    assert torch.allclose(norm.running_var[1], plain.running_var, atol=1e-6)
    assert (norm.running_mean[[0, 2]] == 0).all()
    untouched = norm(x, 0, torch.zeros(5, dtype=torch.bool))
    assert torch.allclose(untouched, x, atol=1e-4)
    assert torch.allclose(norm.stored(x, torch.ones(5).long()), plain.eval()(x), atol=1e-6)


def test_a_neuron_equals_the_papers_equations() -> None:
    torch.manual_seed(0)
    neurons, x = Neurons(2, 4), torch.randn(3, 4, 3, 5, 5)
    b = torch.tensor([0.0, 1.0, 1.0, 0.0]).view(1, -1, 1, 1, 1)
    norm = nn.BatchNorm3d(4)
    z_s = F.conv3d((1 - b) * x, neurons.spatial[1].unsqueeze(2), padding=(0, 1, 1))
    z_t = F.conv3d(b * x, neurons.temporal[1][..., None, None], padding=(1, 0, 0))
    want = F.conv3d(norm(z_s).relu() + norm(z_t).relu(), neurons.fuse[1][..., None, None, None])
    kernels = neurons.kernels(b.flatten().expand(2, -1))
    got = neurons.one(1, Surroundings.of(x), kernels, torch.ones(3, dtype=torch.bool))
    assert torch.allclose(got, want.flatten(2), atol=1e-4)


def trained_layer(gradient: str = "dense") -> SpecialisationLayer:
    """A layer with statistics and gates of its own."""
    torch.manual_seed(0)
    layer = SpecialisationLayer(6, 4, gradient=gradient)
    with torch.no_grad():
        layer.gates.g.normal_()
        for norm in (layer.neurons.spatial_norm, layer.neurons.temporal_norm):
            for values in (norm.running_mean, norm.bias):
                values.normal_()
            for values in (norm.running_var, norm.weight):
                values.uniform_(0.5, 2)
    return layer


def test_at_test_every_row_goes_through_its_own_neuron() -> None:
    layer = trained_layer().eval()
    x = 3 * torch.randn(9, 6, 4, 5, 5)
    x += 8 * torch.randn(9, 6, 1, 1, 1)
    got, choice = layer(x), layer.synapse(x).argmax(1)
    assert len(choice.unique()) > 1
    none = torch.zeros(1, dtype=torch.bool)  # running statistics
    kernels = layer.neurons.kernels(layer.gates())
    for row, n in enumerate(choice.tolist()):
        alone = layer.neurons.one(n, Surroundings.of(x[row : row + 1]), kernels, none)
        assert torch.allclose(got[row], alone[0].view(6, 4, 5, 5), atol=1e-4)


def test_sparse_and_dense_routing_say_the_same_in_training() -> None:
    x = torch.randn(8, 6, 3, 4, 4)
    outputs = []
    for gradient in ("dense", "sparse"):
        layer = trained_layer(gradient)
        torch.manual_seed(3)
        outputs.append(layer(x))
        outputs[-1].square().sum().backward()
        assert (layer.synapse.scores.grad != 0).any(1).all()
    assert torch.allclose(*outputs, atol=1e-5)


def test_the_neck_starts_as_the_identity_and_keeps_shapes() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 12, 3, 4, 5)
    neck = SpecialisationNeck(12, 2, 3, 8)
    assert torch.equal(neck(x), x) and torch.equal(neck.eval()(x), x)
    bare = SpecialisationNeck(12, 2, 3, width=0)
    assert bare(x).shape == bare.eval()(x).shape == x.shape
    assert not torch.allclose(bare(x), x)


def test_the_papers_letter_is_as_large_as_computed() -> None:
    with torch.device("meta"):
        size = sum(p.numel() for p in SpecialisationNeck(256, 3, 10, width=0).parameters())
    assert size == 3 * 10 * (13 * 256 * 256 + 6 * 256)


def test_usage_counts_every_clip_of_every_layer() -> None:
    torch.manual_seed(0)
    neck = SpecialisationNeck(6, 2, 3, 4)
    for _ in range(2):
        neck(torch.randn(5, 6, 3, 4, 4))
    neck.eval()(torch.randn(7, 6, 3, 4, 4))
    assert neck.usage().shape == (2, 3) and neck.usage().sum(1).tolist() == [17, 17]
    neck.forget_usage()
    assert neck.usage().sum() == 0


def test_the_graph_equals_pytorch_for_any_batch() -> None:
    torch.manual_seed(0)
    layers = [trained_layer(), trained_layer()]
    neck = SpecialisationNeck(10, 2, 4, 6)
    neck.layers = nn.ModuleList(layers)
    nn.init.normal_(neck.restore.weight)
    x = torch.randn(6, 10, 4, 5, 5) + 8 * torch.randn(6, 10, 1, 1, 1)
    graph = session(to_onnx(neck, x, ["x"], ["y"], dynamic=True))
    assert (neck.forget_usage(), neck(x), neck.usage())[2].count_nonzero() > 2
    for example in (x, x[2:3]):
        with torch.no_grad():
            want = neck(example).numpy()
        assert np.abs(graph.run(None, {"x": example.numpy()})[0] - want).max() < 1e-3


class Toy(nn.Module):
    """A neck with its classifier. Norms have biases: a neuron whose gates all point one way feeds
    zeros to the other operator, and a ReLU has no slope at zero.
    """

    def __init__(self) -> None:
        super().__init__()
        self.neck = SpecialisationNeck(4, 2, 3, 3)
        nn.init.normal_(self.neck.restore.weight)
        for layer in self.neck.layers:
            nn.init.normal_(layer.neurons.spatial_norm.bias)
            nn.init.normal_(layer.neurons.temporal_norm.bias)
        self.classifier = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.neck(x).mean((2, 3, 4)))


def toy_losses(model: nn.Module) -> tuple[Callable[..., Tensor], Callable[..., Tensor]]:
    x, y = torch.randn(2, 6, 4, 3, 4, 4, dtype=torch.float64), torch.randint(3, (2, 6))

    def loss(batch: int, weights: dict[str, Tensor] | None = None) -> Tensor:
        named = weights or dict(model.named_parameters())
        return F.cross_entropy(functional_call(model, named, (x[batch],)), y[batch])

    return lambda w=None: loss(0, w), lambda w=None: loss(1, w)


def test_the_meta_step_equals_double_backward() -> None:
    """The difference is small enough to cross no corner of a ReLU."""
    torch.manual_seed(0)
    model, alpha = Toy().double(), 0.1
    train, val = toy_losses(model)
    learning = UpstreamDownstream(model, model.neck.upstream(), alpha, epsilon=1e-6)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    torch.manual_seed(5)
    got = learning.upstream_gradient(train, val)
    for key, value in model.state_dict().items():
        assert torch.equal(value, before[key]), key

    torch.manual_seed(5)
    seed = int(torch.randint(2**62, ()))
    named = dict(model.named_parameters())
    own = {id(p) for p in model.neck.upstream()}
    down = {k: p for k, p in named.items() if id(p) not in own}
    with without_trace(model), torch.random.fork_rng():
        torch.manual_seed(seed)
        inner = torch.autograd.grad(train(), list(down.values()), create_graph=True)
    stepped = {k: p - alpha * g for (k, p), g in zip(down.items(), inner, strict=True)}
    frozen = {k: p.detach() for k, p in named.items() if id(p) in own}
    want = torch.autograd.grad(val({**stepped, **frozen}), model.neck.upstream())
    for a, b in zip(got, want, strict=True):
        assert b.abs().max() > 0
        assert (a - b).norm() / b.norm() < 1e-4


def test_a_step_moves_what_decides_by_its_meta_gradient_alone() -> None:
    torch.manual_seed(0)
    model = Toy().double()
    train, val = toy_losses(model)
    learning = UpstreamDownstream(model, model.neck.upstream(), 0.1)
    up = torch.optim.SGD(learning.upstream, lr=0.5)
    down = torch.optim.SGD(learning.downstream, lr=0.3)
    before = [p.detach().clone() for p in learning.upstream]
    others = [p.detach().clone() for p in learning.downstream]
    torch.manual_seed(7)
    gradient = learning.upstream_gradient(train, val)
    model.neck.forget_usage()
    torch.manual_seed(7)
    learning.step(train, val, up, down)
    for p, b, g in zip(learning.upstream, before, gradient, strict=True):
        assert torch.allclose(p, b - 0.5 * g)
    assert model.neck.usage().sum(1).tolist() == [6, 6]
    assert all((p != o).any() for p, o in zip(learning.downstream, others, strict=True))


def test_unknown_choices_are_named() -> None:
    with pytest.raises(ValueError, match="dense, sparse"):
        SpecialisationLayer(4, 2, gradient="none")
    with pytest.raises(ValueError, match="mean, sum"):
        Synapse(4, 2, pool="max")
