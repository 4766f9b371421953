"""Scores of predictions: accuracies, and which classes are taken for which."""

import numpy as np

from .predict import Predictions


def scores(found: Predictions) -> dict[str, float]:
    """``top-1``, ``top-5`` and ``mean-class``, the mean over classes of their top-1, from 0 to 1.

    Classes without a test video do not count.
    """
    order = np.argsort(-found.scores, axis=1, kind="stable")
    right = order[:, 0] == found.labels
    return {
        "top-1": float(right.mean()),
        "top-5": float((order[:, :5] == found.labels[:, None]).any(1).mean()),
        "mean-class": float(
            np.mean([right[found.labels == label].mean() for label in np.unique(found.labels)])
        ),
    }


def confusion(found: Predictions) -> np.ndarray:
    """``[N, N]`` counts: row true class, column answer."""
    classes = found.scores.shape[1]
    pairs = found.labels * classes + found.scores.argmax(1)
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def closest(matrix: np.ndarray, count: int) -> list[tuple[int, int, int, float]]:
    """The ``count`` pairs of classes that are taken for each other most: both classes, mistakes
    either way, and their share of both classes' videos. Only pairs with mistakes.
    """
    mistakes = np.triu(matrix + matrix.T, 1)
    videos = matrix.sum(1)
    share = mistakes / np.maximum(videos[:, None] + videos[None], 1)
    order = np.argsort(-share, axis=None, kind="stable")[:count]
    pairs = [divmod(int(at), len(matrix)) for at in order]
    return [(a, b, int(mistakes[a, b]), float(share[a, b])) for a, b in pairs if mistakes[a, b]]
