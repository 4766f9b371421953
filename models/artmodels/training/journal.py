"""What a run tells while it goes on: a progress bar, and TensorBoard."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from ..metrics import in_words
from ..objective import Terms


class Journal:
    """Losses, rates, norms of the gradient, validation and use of neurons, by step.

    Only the first process of a run has one. ``folder`` gets TensorBoard's files; entries after
    ``step``, of a run that was interrupted, are hidden.
    """

    def __init__(self, folder: Path, step: int, total: int, an_epoch: int) -> None:
        self.writer = SummaryWriter(folder, purge_step=step)
        self.bar = tqdm(total=total, initial=step, desc="fit", unit="step", mininterval=5)
        self.an_epoch = an_epoch

    def wrote(self, step: int, means: dict[str, float], rates: dict[str, float]) -> None:
        """Mean losses since the last entry, and present learning rates by group."""
        for key, value in means.items():
            self.writer.add_scalar(f"train/{key}", value, step)
        for name, rate in rates.items():
            self.writer.add_scalar(f"lr/{name}", rate, step)
        epoch, loss = step // self.an_epoch, f"{means['loss']:.3f}"
        self.bar.set_postfix(epoch=epoch, loss=loss, refresh=False)

    def neurons(self, step: int, usage: Tensor) -> None:
        """How many clips each neuron of each layer took since the last entry, ``[L, N]``."""
        for layer, used in enumerate(usage.tolist()):
            numbers = range(len(used))
            self.writer.add_histogram_raw(
                f"usage/layer{layer}",
                min=0,
                max=len(used) - 1,
                num=sum(used),
                sum=sum(n * count for n, count in enumerate(used)),
                sum_squares=sum(n * n * count for n, count in enumerate(used)),
                bucket_limits=[n + 0.5 for n in numbers],
                bucket_counts=used,
                global_step=step,
            )
            self.writer.add_scalar(f"unused/layer{layer}", used.count(0), step)

    def validated(self, step: int, result: dict[str, float]) -> None:
        """Scores on the held-out clips."""
        for key, value in result.items():
            self.writer.add_scalar(f"val/{key}", value, step)
        tqdm.write(f"epoch {step // self.an_epoch}: {in_words(result)}")

    def moved(self) -> None:
        """One step is done."""
        self.bar.update()

    def close(self) -> None:
        """End the bar and flush the files."""
        self.bar.close()
        self.writer.close()


class Means:
    """Means of values that stay on their device until they are asked for."""

    def __init__(self) -> None:
        self.sums: Terms = {}
        self.shares: Counter[str] = Counter()

    @torch.no_grad()
    def add(self, terms: Iterable[tuple[str, Tensor]], share: float = 1.0) -> None:
        """Values of a step, or of a part of one that counts as ``share``."""
        for key, value in terms:
            value = value.detach().float() * share
            self.sums[key] = self.sums[key] + value if key in self.sums else value
            self.shares[key] += share

    def taken(self) -> dict[str, float]:
        """The means so far; starts anew."""
        found = {key: value.item() / self.shares[key] for key, value in self.sums.items()}
        self.sums, self.shares = {}, Counter()
        return found
