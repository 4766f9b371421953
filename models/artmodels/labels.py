"""Classes of Diving48 as four attributes each, read from the class names."""

from dataclasses import dataclass

import torch
from torch import Tensor

ATTRIBUTES = ("take-off", "somersaults", "twists", "position")
BACKGROUND_NAME = "background"


@dataclass(frozen=True)
class Attributes:
    """Attribute values of a list of classes.

    ``values[a]`` lists the values of attribute ``a``; ``ids[c][a]`` is the value of class ``c``.
    """

    values: tuple[tuple[str, ...], ...]
    ids: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, names: list[str]) -> "Attributes":
        """From names such as ``Back+25som+15Twis+PIKE``; every value is in order of first
        appearance.
        """
        parts = [name.split("+") for name in names]
        for name, part in zip(names, parts, strict=True):
            if len(part) != len(ATTRIBUTES):
                raise ValueError(
                    f"class '{name}' has {len(part)} parts, expected {' + '.join(ATTRIBUTES)}"
                )
        values = tuple(tuple(dict.fromkeys(column)) for column in zip(*parts, strict=True))
        ids = tuple(tuple(values[a].index(v) for a, v in enumerate(part)) for part in parts)
        return cls(values, ids)

    @property
    def sizes(self) -> list[int]:
        """Number of values of each attribute."""
        return [len(v) for v in self.values]

    def incidence(self, classes: int) -> Tensor:
        """``[sum of sizes, classes]`` 0/1: which values a class has; classes beyond the named ones
        have none.
        """
        matrix = torch.zeros(sum(self.sizes), classes)
        offset = 0
        for a, size in enumerate(self.sizes):
            for c, ids in enumerate(self.ids):
                matrix[offset + ids[a], c] = 1
            offset += size
        return matrix
