"""Functions that keep full precision in the midst of mixed precision."""

from collections.abc import Callable
from functools import wraps

import torch
from torch import Tensor


def in_full(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """``function`` without autocast, its tensors in float32 where autocast is on.

    For what ranks values that lie close together, or is multiplied by a large number before a
    softmax: bfloat16 has steps of 0.004 below 1.
    """

    @wraps(function)
    def run(*arguments: object) -> Tensor:
        kind = next(one.device.type for one in arguments if isinstance(one, Tensor))
        if not torch.is_autocast_enabled(kind):
            return function(*arguments)
        full = (one.float() if isinstance(one, Tensor) else one for one in arguments)
        with torch.autocast(kind, enabled=False):
            return function(*full)

    return run
