"""How well the actions found in a stream agree with the true ones: F1 at a temporal overlap."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """One action, found or true; times in s."""

    label: str
    start: float
    end: float
    score: float = 1.0


@dataclass(frozen=True)
class Counts:
    """Matched, found and true actions."""

    matched: int
    found: int
    true: int

    @property
    def precision(self) -> float:
        """Share of the found actions that are matched; 0 when none was found."""
        return self.matched / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        """Share of the true actions that are matched; 0 when there is none."""
        return self.matched / self.true if self.true else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * self.matched / (self.found + self.true) if self.found + self.true else 0.0


def temporal_iou(one: Event, other: Event) -> float:
    """Time that two events share, over the time that either lasts; 0 to 1."""
    shared = min(one.end, other.end) - max(one.start, other.start)
    if shared <= 0:
        return 0.0
    return shared / (one.end - one.start + other.end - other.start - shared)


def match(
    found: Sequence[Event], true: Sequence[Event], iou: float, *, by_class: bool
) -> list[tuple[int, int]]:
    """Pairs (found, true) of events that agree, no event twice.

    Greedy as in ActivityNet's detection score: in falling order of their scores the found events
    each take the free true event that they overlap most, if their temporal IoU is at least ``iou``
    and, with ``by_class``, their labels are the same.
    """
    free = set(range(len(true)))
    pairs = []
    for index in sorted(range(len(found)), key=lambda at: -found[at].score):
        event = found[index]
        overlaps = {
            at: temporal_iou(event, true[at])
            for at in sorted(free)
            if not by_class or event.label == true[at].label
        }
        best = max(overlaps, key=overlaps.__getitem__, default=None)
        if best is not None and overlaps[best] >= iou:
            free.remove(best)
            pairs.append((index, best))
    return pairs


def count(found: Sequence[Event], true: Sequence[Event], iou: float, *, by_class: bool) -> Counts:
    """The counts behind precision, recall and F1."""
    return Counts(len(match(found, true, iou, by_class=by_class)), len(found), len(true))
