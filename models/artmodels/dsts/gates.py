"""Channel gates by improved semantic hashing."""

import torch
from torch import Tensor, nn

NOISE = 1.0  # standard deviation of the noise on a gate in training


class ChannelGates(nn.Module):
    """``b [N, C]`` of N neurons: 0 sends a channel to the spatial operator, 1 to the temporal one.

    Improved SemHash on the free parameters ``g``: in training ``h = g + noise``, soft value
    ``clip(1.2 sigmoid(h) - 0.1, 0, 1)`` and hard value ``[h > 0]`` with the soft one's gradient,
    each used half of the time; at test ``[g > 0]``. A neuron's gates do not depend on the input, so
    one draw serves the whole batch, and soft or hard is tossed for each neuron ``[choice]``. ``g``
    starts at zero ``[choice]``.
    """

    def __init__(self, neurons: int, channels: int) -> None:
        super().__init__()
        self.g = nn.Parameter(torch.zeros(neurons, channels))

    def forward(self) -> Tensor:
        if not self.training:
            return (self.g > 0).to(self.g.dtype)
        noisy = self.g + NOISE * torch.randn_like(self.g)
        soft = (1.2 * torch.sigmoid(noisy) - 0.1).clamp(0, 1)
        hard = (noisy > 0).to(soft.dtype) + soft - soft.detach()
        return torch.where(torch.rand_like(self.g[:, :1]) < 0.5, soft, hard)
