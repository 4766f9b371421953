"""What is read of a manifest."""

from inputs import Recipe


def recipe(frames: int) -> Recipe:
    """A model with windows of so many samples."""
    return Recipe(frames, 10.0, 8, 8, "rgb", "crop")


def test_hops() -> None:
    """T, T/2, T/4, T/8 and 1; an eighth that is no whole number stands between two that are."""
    assert recipe(16).hops() == [16, 8, 4, 2, 1]
    assert recipe(20).hops() == [20, 10, 5, 3, 2, 1]
    assert recipe(20).eighths() == [3, 2]
    assert recipe(1).hops() == [1]
