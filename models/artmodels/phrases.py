"""From class labels to action phrases: the words that a text encoder is asked about."""

import re
from collections.abc import Callable

from .labels import BACKGROUND_NAME
from .synthdive.classes import dive_phrase, parse

NO_ACTION = "no action, waiting"
EVENTS = {
    "VT": "vault",
    "FX": "floor exercise",
    "BB": "balance beam",
    "UB": "uneven bars",
}
NUMBERS = ("zero", "one", "two", "three", "four")

_EVENT = re.compile(r"\s*\((VT|FX|BB|UB)\)\s*")
_TURNS = re.compile(r"\b(\d)(\.5)? (turn|twist|salto)s?\b")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def _count(match: re.Match[str]) -> str:
    whole, half, noun = int(match[1]), match[2], match[3]
    if whole >= len(NUMBERS):
        return match[0]
    if not half:
        return f"{NUMBERS[whole]} {noun}{'' if whole == 1 else 's'}"
    return f"{NUMBERS[whole]} and a half {noun}s" if whole else f"half a {noun}"


def plain(label: str) -> str:
    """``ApplyEyeMakeup``, ``riding_a_bike`` -> words in lower case."""
    words = _HUMP.sub(" ", label).replace("_", " ").split()
    return " ".join(words).lower()


def diving48(label: str) -> str:
    """``Back+15som+05Twis+FREE`` or the vocabulary's own list of its four parts (``["Back",
    "15som", "05Twis", "FREE"]``, joined by "+") -> "a back dive with one and a half somersaults and
    half a twist in free position".
    """
    return dive_phrase(parse(label))


def finegym(label: str) -> str:
    """An element as FineGym's category files name it, ``(UB) giant circle backward with 0.5 turn to
    handstand`` -> "uneven bars, giant circle backward with half a turn to handstand".
    """
    event = _EVENT.match(label)
    element = _TURNS.sub(_count, label[event.end() :] if event else label).strip()
    return f"{EVENTS[event[1]]}, {element}" if event else element


VOCABULARIES: dict[str, Callable[[str], str]] = {
    "plain": plain,
    "diving48": diving48,
    "finegym": finegym,
}


def phrases(labels: list[str], vocabulary: str) -> list[str]:
    """An action phrase for every label; the background has words of its own."""
    if vocabulary not in VOCABULARIES:
        raise ValueError(f"vocabulary '{vocabulary}': known are {', '.join(VOCABULARIES)}")
    said = VOCABULARIES[vocabulary]
    return [NO_ACTION if label == BACKGROUND_NAME else said(label) for label in labels]
