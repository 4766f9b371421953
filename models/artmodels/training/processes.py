"""The processes of one run, as ``torchrun`` starts them."""

import os
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor


@dataclass(frozen=True)
class Processes:
    """This process's number among ``count``, and the device that it computes on."""

    rank: int = 0
    count: int = 1
    device: torch.device = torch.device("cpu")

    @classmethod
    def joined(cls, device: str = "") -> "Processes":
        """Take part in the run that ``torchrun`` started, or be the only process.

        A GPU for each process where there are any, unless ``device`` says "cpu". Processes talk by
        NCCL on GPUs and by Gloo on CPUs.
        """
        kind = device or ("cuda" if torch.cuda.is_available() else "cpu")
        local = int(os.environ.get("LOCAL_RANK", 0))
        place = torch.device(kind, local) if kind == "cuda" else torch.device(kind)
        if kind == "cuda":
            torch.cuda.set_device(place)
        if int(os.environ.get("WORLD_SIZE", 1)) == 1:
            return cls(device=place)
        if not dist.is_initialized():
            dist.init_process_group("nccl" if kind == "cuda" else "gloo")
        return cls(dist.get_rank(), dist.get_world_size(), place)

    def leave(self) -> None:
        """End talking to the others."""
        if self.count > 1:
            dist.destroy_process_group()

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    def average(self, values: list[Tensor]) -> list[Tensor]:
        """Mean of each tensor over all processes, the same everywhere."""
        if self.count == 1:
            return values
        if not values:
            return values
        flat = self.total(torch.cat([value.flatten() for value in values]))
        parts = (flat / self.count).split([value.numel() for value in values])
        return [part.view_as(value) for part, value in zip(parts, values, strict=True)]

    def total(self, value: Tensor) -> Tensor:
        """Sum of a tensor over all processes, the same everywhere."""
        if self.count == 1:
            return value
        value = value.clone()
        dist.all_reduce(value)
        return value

    def gather(self, thing: Any) -> list[Any]:
        """What every process has, by rank."""
        if self.count == 1:
            return [thing]
        found: list[Any] = [None] * self.count
        dist.all_gather_object(found, thing)
        return found
