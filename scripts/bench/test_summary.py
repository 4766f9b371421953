"""The arithmetic of the benchmark."""

import math

from process import Cost
from summary import Spread, agreement, apart, beyond, per_window, ratio, speeds


def cost(wall: float, cpu: float = 1.0, windows: int = 10) -> Cost:
    """A round of a contender."""
    return Cost(wall=wall, cpu=cpu, peak_mb=1.0, windows=windows)


def test_spread() -> None:
    """Median, least and most."""
    assert Spread.of([3.0, 1.0, 2.0, 9.0, 2.5]) == Spread(2.5, 1.0, 9.0)
    assert Spread.of([1.0, 2.0]).text(1) == "1.5 (1.0-2.0)"


def test_figures() -> None:
    """Windows a second and CPU milliseconds of a window."""
    costs = [cost(2.0, 3.0), cost(5.0, 4.0, 20)]
    assert speeds(costs) == [5.0, 4.0]
    assert per_window(costs) == [300.0, 200.0]


def test_a_ratio_is_taken_round_by_round() -> None:
    """A machine that gets three times slower changes no ratio."""
    fast, slow = [cost(1.0), cost(3.0)], [cost(2.0), cost(6.0)]
    assert ratio(fast, slow, speeds) == Spread(2.0, 2.0, 2.0)


def test_beyond() -> None:
    """CPU seconds above the floor of the same round."""
    assert beyond([cost(1.0, 5.0), cost(1.0, 7.0)], [cost(1.0, 2.0), cost(1.0, 3.0)]) == [3.0, 4.0]


def test_scores_apart() -> None:
    """The largest difference of classes that both tell, over the windows that both have."""
    every = [{0: 0.7, 1: 0.2, 2: 0.1}, {0: 0.5, 1: 0.3, 2: 0.2}]
    best = [{0: 0.7}, {0: 0.5, 1: 0.35}, {2: 1.0}]
    assert math.isclose(apart(every, best), 0.05)
    assert apart(every, []) == math.inf
    assert apart([{0: 1.0}], [{1: 1.0}]) == math.inf


def test_agreement() -> None:
    """Windows with the same best class."""
    ones = [{0: 0.7, 1: 0.3}, {0: 0.2, 1: 0.8}]
    assert agreement(ones, [{0: 0.6, 2: 0.4}, {0: 0.9, 1: 0.1}]) == 0.5
