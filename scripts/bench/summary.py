"""Arithmetic over the rounds of a benchmark."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from process import Cost, Scores


@dataclass(frozen=True)
class Spread:
    """A figure over all rounds."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Median, least and most."""
        return cls(statistics.median(values), min(values), max(values))

    def text(self, digits: int = 2) -> str:
        """As in `1.00 (0.98-1.03)`."""
        return f"{self.median:.{digits}f} ({self.least:.{digits}f}-{self.most:.{digits}f})"


def speeds(costs: Sequence[Cost]) -> list[float]:
    """Windows a second, a round each."""
    return [cost.windows / cost.wall for cost in costs]


def per_window(costs: Sequence[Cost]) -> list[float]:
    """CPU milliseconds of a window, a round each."""
    return [1000 * cost.cpu / cost.windows for cost in costs]


def ratio(
    of: Sequence[Cost], to: Sequence[Cost], figure: Callable[[Sequence[Cost]], list[float]]
) -> Spread:
    """A figure of one contender over that of another, round by round.

    What slows the machine down in a round slows both down.
    """
    pairs = zip(figure(of), figure(to), strict=True)
    return Spread.of([one / other for one, other in pairs])


def beyond(costs: Sequence[Cost], floor: Sequence[Cost]) -> list[float]:
    """CPU seconds above those of decoding alone, round by round."""
    return [cost.cpu - alone.cpu for cost, alone in zip(costs, floor, strict=True)]


def apart(ones: Sequence[Scores], others: Sequence[Scores]) -> float:
    """Largest difference between two contenders' scores of the same windows.

    Each may tell all scores of a window or the best ones. Infinite where the best classes have
    nothing in common, or there is no window to compare.
    """
    most = [
        max(abs(one[label] - other[label]) for label in shared) if shared else math.inf
        for one, other in zip(ones, others, strict=False)
        for shared in [one.keys() & other.keys()]
    ]
    return max(most, default=math.inf)


def agreement(ones: Sequence[Scores], others: Sequence[Scores]) -> float:
    """Part of the windows in which two contenders name the same class first."""
    best = [[max(window, key=window.__getitem__) for window in all_] for all_ in (ones, others)]
    same = [one == other for one, other in zip(*best, strict=False)]
    return sum(same) / len(same)
