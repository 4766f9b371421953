"""The 48 dives of Diving48 V2 by name, what each name means, and the background class."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files

TAKEOFFS = ("Back", "Forward", "Inward", "Reverse")
POSITIONS = ("FREE", "PIKE", "TUCK", "STR")

_NAME = re.compile(
    r"(Back|Forward|Inward|Reverse)\+(Dive|\d+som)\+(No|\d+)Twis\+(FREE|PIKE|TUCK|STR)"
)
_NUMBERS = ("no", "one", "two", "three", "four")
_POSITION_WORDS = {"FREE": "free", "PIKE": "pike", "TUCK": "tuck", "STR": "straight"}


@dataclass(frozen=True)
class Dive:
    """One dive as its name states it."""

    name: str
    takeoff: str  # one of TAKEOFFS
    half_somersaults: int  # "Dive" is one half
    half_twists: int
    position: str  # one of POSITIONS

    @property
    def faces_water(self) -> bool:
        """Whether the diver looks at the water at take-off."""
        return self.takeoff in ("Forward", "Reverse")

    @property
    def body_sense(self) -> int:
        """+1 where the body turns towards its own front (forward, inward), -1 where not."""
        return 1 if self.takeoff in ("Forward", "Inward") else -1

    @property
    def world_sense(self) -> int:
        """+1 where the head first moves away from the board (forward, back), -1 where not."""
        return 1 if self.takeoff in ("Forward", "Back") else -1

    @property
    def head_first(self) -> bool:
        """Whether the hands meet the water first."""
        return self.half_somersaults % 2 == 1


def _halves(digits: str) -> int:
    """Half turns in a count as the names spell it: "15" is 1.5 (3 halves), "05" 1, "2" 4."""
    if digits == "No":
        return 0
    if len(digits) == 2:
        return 2 * int(digits[0]) + 1
    return 2 * int(digits)


def parse(name: str) -> Dive:
    """Read a class name such as ``Back+25som+15Twis+PIKE``."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"not a Diving48 class name: {name!r}")
    takeoff, turns, twists, position = match.groups()
    halves = 1 if turns == "Dive" else _halves(turns.removesuffix("som"))
    return Dive(name, takeoff, halves, _halves(twists), position)


CLASS_NAMES: list[str] = (
    files(__package__).joinpath("diving48_classes.txt").read_text(encoding="utf-8").split()
)
DIVES: list[Dive] = [parse(name) for name in CLASS_NAMES]
BACKGROUND = len(CLASS_NAMES)


def _count_words(halves: int) -> str:
    whole, half = divmod(halves, 2)
    if not whole:
        return "half a"
    return f"{_NUMBERS[whole]} and a half" if half else _NUMBERS[whole]


def _count(halves: int, noun: str) -> str:
    return f"{_count_words(halves)} {noun}{'' if halves <= 2 else 's'}"


def dive_phrase(dive: Dive) -> str:
    """A dive in plain English."""
    article = "an" if dive.takeoff == "Inward" else "a"
    turns = _count(dive.half_somersaults, "somersault")
    twists = "no twist" if not dive.half_twists else _count(dive.half_twists, "twist")
    position = _POSITION_WORDS[dive.position]
    return f"{article} {dive.takeoff.lower()} dive with {turns} and {twists} in {position} position"


def phrase(label_id: int) -> str:
    """The class in plain English; ``label_id`` 0..48, 48 is the background."""
    if label_id == BACKGROUND:
        return "no dive, a diving pool between dives"
    return dive_phrase(DIVES[label_id])
