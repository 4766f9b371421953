"""Accuracy over classes and attributes."""

import numpy as np

from .labels import ATTRIBUTES, Attributes


def accuracy(logits: np.ndarray, labels: np.ndarray, attributes: Attributes) -> dict[str, float]:
    """Scores of windows ``logits [B, N]`` with ``labels [B]``; the last class is background.

    - ``top-1``, ``mean-class``: dives only, over the dive classes, as on Diving48; each attribute
      of the predicted class;
    - ``top-1 of all outputs``: dives only, background counting as an answer;
    - ``missed``: dives answered by background; ``false alarms``: background clips answered by a
      dive.
    """
    background = logits.shape[1] - 1
    dive = labels < background
    truth = labels[dive]
    guess = logits[dive, :background].argmax(1)
    full = logits.argmax(1)
    ids = np.asarray(attributes.ids)
    right = guess == truth
    result = {
        "top-1": right.mean(),
        "mean-class": np.mean([right[truth == c].mean() for c in np.unique(truth)]),
        "top-1 of all outputs": (full[dive] == truth).mean(),
        "missed": (full[dive] == background).mean(),
    }
    result |= {name: (ids[guess, a] == ids[truth, a]).mean() for a, name in enumerate(ATTRIBUTES)}
    if not dive.all():
        result["false alarms"] = (full[~dive] != background).mean()
    return {key: float(value) for key, value in result.items()}


def in_words(result: dict[str, float]) -> str:
    """One line, in percent."""
    return ", ".join(f"{key} {100 * value:.1f}" for key, value in result.items())
