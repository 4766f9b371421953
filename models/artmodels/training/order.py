"""Which clips a step takes, and with what randomness: a function of the seed and the step alone."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, Sampler

Key = tuple[int, int]  # epoch, item


@contextmanager
def seeded(*numbers: int) -> Iterator[None]:
    """The global generators of Python, NumPy and PyTorch's CPU start from ``numbers`` in this
    context and go on afterwards as if it had not been.
    """
    kept = random.getstate(), np.random.get_state(), torch.get_rng_state()
    words = np.random.SeedSequence(numbers).generate_state(3, np.uint64)
    random.seed(int(words[0]))
    np.random.seed(int(words[1] % 2**32))
    torch.default_generator.manual_seed(int(words[2] >> 1))
    try:
        yield
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])
        torch.set_rng_state(kept[2])


class SeededItems(Dataset):
    """``data`` whose item ``(epoch, index)`` is drawn with random numbers of its own.

    What an item looks like depends neither on the worker that loads it nor on what was loaded
    before, so a run can be taken up again in the middle of an epoch.
    """

    def __init__(self, data: Dataset, seed: int, stream: int) -> None:
        self.data = data
        self.seed = seed
        self.stream = stream

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, key: Key) -> Any:
        with seeded(self.seed, self.stream, *key):
            return self.data[key[1]]


class Order(Sampler):
    """Batches of keys for the steps ``first`` to ``last`` of a run, process ``rank`` of ``count``.

    Every epoch is a permutation of the ``items`` of its own; its end that fills no whole batch is
    left out. The processes share each step's clips, part by part: together they take what one
    process would.
    """

    def __init__(
        self,
        items: int,
        batch: int,
        seed: int,
        stream: int = 0,
        rank: int = 0,
        count: int = 1,
        parts: int = 1,
    ) -> None:
        if batch % (count * parts):
            raise ValueError(
                f"batch {batch} cannot be shared by {count} processes with {parts} parts each"
            )
        if items < batch:
            raise ValueError(f"{items} clips fill no batch of {batch}")
        self.items, self.batch, self.seed, self.stream = items, batch, seed, stream
        self.rank, self.parts, self.size = rank, parts, batch // (count * parts)
        self.an_epoch = items // batch
        self.first = self.last = 0

    def between(self, first: int, last: int) -> "Order":
        """Set which steps are iterated."""
        self.first, self.last = first, last
        return self

    def __len__(self) -> int:
        return (self.last - self.first) * self.parts

    def __iter__(self) -> Iterator[list[Key]]:
        epoch, permutation = -1, np.empty(0, int)
        for step in range(self.first, self.last):
            if step // self.an_epoch != epoch:
                epoch = step // self.an_epoch
                rng = np.random.default_rng([self.seed, self.stream, epoch])
                permutation = rng.permutation(self.items)
            begin = step % self.an_epoch * self.batch + self.rank * self.parts * self.size
            for part in range(self.parts):
                at = begin + part * self.size
                yield [(epoch, int(item)) for item in permutation[at : at + self.size]]
