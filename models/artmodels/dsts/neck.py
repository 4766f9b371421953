"""L layers of specialised neurons between a backbone and a head."""

import torch
from torch import Tensor, nn

from .gates import ChannelGates
from .neurons import Neurons, Surroundings
from .synapse import Synapse


class SpecialisationLayer(nn.Module):
    """One layer: ``[B, C, T, H, W]`` -> the same, each row by the neuron that its synapse chose.

    ``gradient="dense"``: every neuron computes every row, so that the straight-through gradient
    reaches all impulses by what each neuron would have said. ``"sparse"``: only the chosen neuron
    computes, and its output is scaled by ``1 + y - stop(y)``, y its relaxed share: N times cheaper,
    the gradient knows the chosen neuron alone ``[choice]``.
    """

    def __init__(
        self,
        channels: int,
        neurons: int,
        temperature: float = 1.0,
        gradient: str = "dense",
        pool: str = "mean",
    ) -> None:
        super().__init__()
        if gradient not in ("dense", "sparse"):
            raise ValueError(f"gradient '{gradient}': known are dense, sparse")
        self.gradient = gradient
        self.synapse = Synapse(channels, neurons, temperature, pool)
        self.gates = ChannelGates(neurons, channels)
        self.neurons = Neurons(neurons, channels)
        self.track_usage = True
        self.register_buffer("usage", torch.zeros(neurons, dtype=torch.long), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        impulses = self.synapse(x)
        kernels, around = self.neurons.kernels(self.gates()), Surroundings.of(x)
        if self.training:
            choice = self.synapse.choose(impulses)
            self._count(choice.argmax(1))
            mixed = self._dense if self.gradient == "dense" else self._sparse
            out = mixed(choice, around, kernels)
        else:
            picked = impulses.argmax(1)
            self._count(picked)
            out = self.neurons.each(picked, around, kernels)
        return out.unflatten(2, tuple(int(size) for size in x.shape[2:]))

    def _dense(self, choice: Tensor, x: Surroundings, kernels: tuple[Tensor, Tensor]) -> Tensor:
        chosen = choice.detach() > 0.5
        return sum(
            choice[:, n, None, None] * self.neurons.one(n, x, kernels, chosen[:, n])
            for n in range(choice.shape[1])
        )

    def _sparse(self, choice: Tensor, x: Surroundings, kernels: tuple[Tensor, Tensor]) -> Tensor:
        picked = choice.argmax(1)
        parts, order = [], []
        for n in picked.unique().tolist():
            rows = (picked == n).nonzero().squeeze(1)
            y = self.neurons.one(n, x.rows(rows), kernels, torch.ones_like(rows).bool())
            parts.append(y * choice[rows, n, None, None])
            order.append(rows)
        return torch.cat(parts)[torch.cat(order).argsort()]

    @torch.no_grad()
    def _count(self, choice: Tensor) -> None:
        if self.track_usage and not torch.jit.is_tracing():
            self.usage += torch.bincount(choice, minlength=len(self.usage))


class SpecialisationNeck(nn.Module):
    """``[B, C, T, H, W]`` -> the same: ``x + restore(layers(reduce(x)))``, one skip over all.

    The paper names neither the width nor L and N in what could be read. Neurons as wide as a
    ResNet's last stage would have a billion weights, so a 1x1x1 convolution reduces to ``width``
    and another one, zero at the start, restores ``[choice]``; ``width=0`` leaves both out. Three
    layers of ten neurons ``[choice]``.
    """

    def __init__(
        self,
        channels: int,
        layers: int = 3,
        neurons: int = 10,
        width: int = 256,
        temperature: float = 1.0,
        gradient: str = "dense",
        pool: str = "mean",
    ) -> None:
        super().__init__()
        inner = width or channels
        self.reduce = nn.Conv3d(channels, inner, 1, bias=False) if width else nn.Identity()
        self.layers = nn.ModuleList(
            SpecialisationLayer(inner, neurons, temperature, gradient, pool) for _ in range(layers)
        )
        self.restore = nn.Conv3d(inner, channels, 1) if width else nn.Identity()
        for parameter in self.restore.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        z = self.reduce(x)
        for layer in self.layers:
            z = layer(z)
        return x + self.restore(z)

    def upstream(self) -> list[nn.Parameter]:
        """The parameters that decide: scores of all synapses, gates of all neurons."""
        return [p for layer in self.layers for p in (layer.synapse.scores, layer.gates.g)]

    def usage(self) -> Tensor:
        """How often each neuron was chosen since :meth:`forget_usage`, ``[L, N]``."""
        return torch.stack([layer.usage for layer in self.layers])

    def forget_usage(self) -> None:
        """Start the histogram anew."""
        for layer in self.layers:
            layer.usage.zero_()
