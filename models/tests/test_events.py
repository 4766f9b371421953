"""Temporal overlap, matching and F1 of actions."""

import pytest

from artmodels.events import Counts, Event, count, match, temporal_iou

TRUE = [Event("pike", 1.0, 3.0), Event("tuck", 5.0, 7.0), Event("pike", 9.0, 10.0)]


@pytest.mark.parametrize(
    ("start", "end", "iou"),
    [(1, 3, 1.0), (2, 4, 1 / 3), (1.5, 2.5, 0.5), (3, 4, 0.0), (0, 1, 0.0), (0, 4, 0.5)],
)
def test_temporal_iou(start: float, end: float, iou: float) -> None:
    one, other = Event("", start, end), TRUE[0]
    assert temporal_iou(one, other) == temporal_iou(other, one) == pytest.approx(iou)


def test_an_event_without_length_overlaps_nothing() -> None:
    assert temporal_iou(Event("", 2, 2), TRUE[0]) == 0
    assert temporal_iou(Event("", 2, 2), Event("", 2, 2)) == 0


def test_class_counts_only_when_asked() -> None:
    found = [Event("pike", 1, 3), Event("pike", 5, 7)]
    assert match(found, TRUE, 0.5, by_class=True) == [(0, 0)]
    assert match(found, TRUE, 0.5, by_class=False) == [(0, 0), (1, 1)]


def test_overlap_at_the_limit_counts() -> None:
    assert match([Event("pike", 1, 2)], TRUE, 0.5, by_class=True) == [(0, 0)]
    assert match([Event("pike", 1, 1.99)], TRUE, 0.5, by_class=True) == []


def test_the_higher_score_takes_a_true_event_and_the_other_is_false() -> None:
    found = [Event("pike", 1, 2.9, 0.6), Event("pike", 1.1, 3, 0.9)]
    assert match(found, TRUE, 0.5, by_class=True) == [(1, 0)]


def test_the_largest_overlap_is_taken() -> None:
    true = [Event("pike", 0, 2), Event("pike", 1, 3)]
    assert match([Event("pike", 0.9, 3)], true, 0.3, by_class=True) == [(0, 1)]


def test_the_right_class_is_found_below_a_larger_overlap_of_another() -> None:
    true = [Event("tuck", 0, 2), Event("pike", 0, 2.5)]
    found = [Event("pike", 0, 2)]
    assert match(found, true, 0.5, by_class=True) == [(0, 1)]
    assert match(found, true, 0.5, by_class=False) == [(0, 0)]


def test_f1() -> None:
    found = [*TRUE[:2], Event("tuck", 9, 10), Event("pike", 20, 21), Event("pike", 30, 31)]
    counts = count(found, TRUE, 0.5, by_class=True)
    assert counts == Counts(2, 5, 3)
    assert counts.precision == pytest.approx(0.4)
    assert counts.recall == pytest.approx(2 / 3)
    assert counts.f1 == pytest.approx(0.5)
    assert count(found, TRUE, 0.5, by_class=False) == Counts(3, 5, 3)


def test_nothing_found_and_nothing_true() -> None:
    assert count([], TRUE, 0.5, by_class=True).f1 == 0
    assert count([], [], 0.5, by_class=True) == Counts(0, 0, 0)
    assert Counts(0, 0, 0).f1 == Counts(0, 0, 0).precision == Counts(0, 0, 0).recall == 0
