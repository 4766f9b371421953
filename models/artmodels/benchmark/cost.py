"""What a row costs: parameters, multiply-accumulates, and time in ONNX Runtime on a CPU."""

import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from ..encoder import TOKEN_CHANNELS, TOKEN_STRIDE
from ..graph import session, to_onnx
from ..video.model import tunable
from .config import BenchmarkConfig
from .systems import TokenNetwork

WARM, TIMED = 3, 20
TOLERANCE = 1e-3


@dataclass
class Cost:
    """Of one window, from tokens to class scores."""

    parameters: int
    gmacs: float
    milliseconds: float  # of one CPU thread
    gap: float  # largest difference of logits, ONNX Runtime against PyTorch


class _Scores(nn.Module):
    """Class scores alone: what all rows have."""

    def __init__(self, network: TokenNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, tokens: Tensor) -> Tensor:
        return self.network(tokens).logits


def cost(network: TokenNetwork, config: BenchmarkConfig) -> Cost:
    """Measured on the exported graph; the time is the process's own, so that other work on the
    machine does not count.
    """
    network.eval()
    grid = config.data.size // TOKEN_STRIDE
    tokens = torch.randn(1, config.data.frames, TOKEN_CHANNELS, grid, grid)
    graph = _Scores(network)
    with FlopCounterMode(display=False) as counter:
        said = graph(tokens).detach()
    runner = session(to_onnx(graph, tokens, ["tokens"], ["logits"], dynamic=True))
    spent = []
    for _ in range(WARM + TIMED):
        begun = time.process_time()
        found = runner.run(None, {"tokens": tokens.numpy()})[0]
        spent.append(time.process_time() - begun)
    gap = float(np.abs(found - said.numpy()).max())
    if gap > TOLERANCE:
        raise RuntimeError(f"logits differ by {gap:.2e} from PyTorch, allowed are {TOLERANCE:.0e}")
    took = 1e3 * float(np.median(spent[WARM:]))
    return Cost(tunable(network), counter.get_total_flops() / 2e9, took, gap)
