"""Upstream-downstream learning: what decides learns from how well its decisions let the rest learn.

Upstream parameters u are scores and gates; downstream parameters d are all others, backbone, norms,
fuse convolutions and classifier among them ``[choice]``. Algorithm 1 of the paper:

1. simulate: ``d^ = d - alpha grad_d l(u, d; train)``
2. meta: ``u' = u - alpha grad_u l(stop(u), d^; val)``, which reaches u only through ``d^``
3. actual: ``d' = d - alpha grad_d l(u', d; train)``
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from .synapse import Synapse

Loss = Callable[[], Tensor]
Gradient = list[Tensor]


def _unchanged(gradient: Gradient) -> Gradient:
    return gradient


TRACES = ("track_running_stats", "track_usage")


@contextmanager
def without_trace(model: nn.Module) -> Iterator[None]:
    """Passes in this context leave running statistics and usage counts as they were."""
    tracked = [(m, name) for m in model.modules() for name in TRACES if getattr(m, name, False)]
    for module, name in tracked:
        setattr(module, name, False)
    try:
        yield
    finally:
        for module, name in tracked:
            setattr(module, name, True)


@contextmanager
def exact_convolutions() -> Iterator[None]:
    """Convolutions in this context do not round to TensorFloat-32, as GPUs do by default."""
    allowed = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = allowed


def _gradient(loss: Tensor, parameters: list[nn.Parameter]) -> Gradient:
    found = torch.autograd.grad(loss, parameters, allow_unused=True)
    return [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, found, strict=True)]


@contextmanager
def decided(synapses: list[Synapse], offsets: list[Tensor | None]) -> Iterator[None]:
    """Passes in this context repeat the decisions of the pass that left ``offsets``."""
    for synapse, offset in zip(synapses, offsets, strict=True):
        synapse.replayed = offset
    try:
        yield
    finally:
        for synapse in synapses:
            synapse.replayed = None


@torch.no_grad()
def _move(parameters: list[nn.Parameter], origin: Gradient, way: Gradient, length: float) -> None:
    """Set ``parameters`` to ``origin + length * way``."""
    for parameter, start, direction in zip(parameters, origin, way, strict=True):
        parameter.copy_(start + length * direction)


class UpstreamDownstream:
    """Upstream-downstream learning of ``model`` with ``upstream`` its deciding parameters.

    The second-order product of step 2 is taken as a finite difference, so that no graph is
    differentiated twice: with ``g = grad_d^ l(val)`` and ``e = epsilon / |g|``,
    ``grad_u = -alpha (grad_u l(u, d + e g; train) - grad_u l(u, d - e g; train)) / 2e``. Gumbel's
    and the gates' noise, and the hard decisions, are the same in all passes over the training batch
    of steps 1 and 2 ``[choice]``: a straight-through gradient is otherwise no gradient of any
    function, and its differences in d are not those in u. ``alpha`` is the length of the plain
    gradient step that is simulated, whatever optimisers take the actual steps; running statistics
    and usage counts move in step 3 only ``[choice]``. ``average`` makes one gradient of those of
    several processes that each have a part of both batches.
    """

    def __init__(
        self,
        model: nn.Module,
        upstream: Iterable[nn.Parameter],
        alpha: float,
        epsilon: float = 0.01,
        average: Callable[[Gradient], Gradient] = _unchanged,
    ) -> None:
        self.model = model
        self.upstream = list(upstream)
        decides = {id(p) for p in self.upstream}
        self.downstream = [
            p for p in model.parameters() if p.requires_grad and id(p) not in decides
        ]
        self.synapses = [m for m in model.modules() if isinstance(m, Synapse)]
        self.alpha = alpha
        self.epsilon = epsilon
        self.average = average

    def upstream_gradient(self, train: Loss, val: Loss) -> Gradient:
        """Gradient of step 2 for every upstream parameter; all parameters are left as they were.

        ``train`` and ``val`` compute the loss of one batch each with the model's present weights.
        """
        seed = int(torch.randint(2**62, ()))

        def fixed() -> Tensor:
            with torch.random.fork_rng():
                torch.manual_seed(seed)
                return train()

        origin = [p.detach().clone() for p in self.downstream]
        with without_trace(self.model), exact_convolutions():
            try:
                simulated = self.average(_gradient(fixed(), self.downstream))
                offsets = [synapse.offset for synapse in self.synapses]
                _move(self.downstream, origin, simulated, -self.alpha)
                way = self.average(_gradient(val(), self.downstream))
                size = torch.stack([g.norm() for g in way]).norm().item()
                if size == 0:
                    return [torch.zeros_like(p) for p in self.upstream]
                e = self.epsilon / size
                with decided(self.synapses, offsets):
                    _move(self.downstream, origin, way, e)
                    above = _gradient(fixed(), self.upstream)
                    _move(self.downstream, origin, way, -e)
                    below = _gradient(fixed(), self.upstream)
            finally:
                _move(self.downstream, origin, origin, 0.0)
        return self.average(
            [(b - a) * (self.alpha / (2 * e)) for a, b in zip(above, below, strict=True)]
        )

    def step(
        self,
        train: Loss,
        val: Loss,
        upstream_step: torch.optim.Optimizer,
        downstream_step: torch.optim.Optimizer,
    ) -> float:
        """One iteration on two batches of the training set; returns the loss of step 3."""
        for parameter, gradient in zip(
            self.upstream, self.upstream_gradient(train, val), strict=True
        ):
            parameter.grad = gradient
        upstream_step.step()
        loss = train()
        for parameter, gradient in zip(
            self.downstream, _gradient(loss, self.downstream), strict=True
        ):
            parameter.grad = gradient
        downstream_step.step()
        return loss.item()
