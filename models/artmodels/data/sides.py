"""Which classes change when a picture is mirrored."""

import re
from collections.abc import Sequence

FREE, SIDED = -1, -2
_SIDE = re.compile(r"\b(left|right)(?=\b|wards?\b)", re.IGNORECASE)


def _swapped(match: re.Match[str]) -> str:
    other = "right" if match[0].lower() == "left" else "left"
    return other.capitalize() if match[0][0].isupper() else other


def twins(names: Sequence[str]) -> list[int]:
    """For every class: the class that it is in a mirror if its name with left and right exchanged
    is one, ``SIDED`` if it names a side and has no such twin, ``FREE`` if it names none.

    On Something-Something these are the classes 86, 87, 93, 94, 166 and 167 of TSM's numbering.
    """
    spoken = [name.replace("_", " ") for name in names]
    number = {name: n for n, name in enumerate(spoken)}
    found = []
    for name in spoken:
        mirrored = _SIDE.sub(_swapped, name)
        found.append(FREE if mirrored == name else number.get(mirrored, SIDED))
    return found


def flipped(label: int, how: str, twins: Sequence[int], chance: float) -> tuple[bool, int]:
    """Whether a clip is mirrored and which label it has then; ``chance`` is uniform from 0 to 1."""
    twin = twins[label]
    if how == "off" or chance >= 0.5:
        return False, label
    if how == "plain" or twin == FREE:
        return True, label
    if how == "mapped" and twin != SIDED:
        return True, twin
    return False, label
