"""NTU RGB+D 60 and 120: file names tell everything, ``SsssCcccPpppRrrrAaaa_rgb.avi``."""

import re
from importlib.resources import files as resources
from pathlib import Path

from .listing import Files, Listing, Sample

NAME = re.compile(r"S(\d{3})C(\d{3})P(\d{3})R(\d{3})A(\d{3})")
SUBJECTS_60 = frozenset(
    (1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38)
)  # that train
SUBJECTS_120 = SUBJECTS_60 | frozenset(
    (45, 46, 47, 49, 50, 52, 53, 54, 55, 56, 57, 58, 59, 70, 74, 78, 80, 81, 82, 83, 84, 85, 86)
    + (89, 91, 92, 93, 94, 95, 97, 98, 100, 103)
)
CAMERAS = frozenset((2, 3))
VARIANTS = ("60-xsub", "60-xview", "120-xsub", "120-xset")
CLASSES_60, SETUPS_60 = 60, 17


def trains(variant: str, setup: int, camera: int, subject: int) -> bool:
    """Whether a protocol trains on such a recording: even setups, two cameras or half of the
    subjects.
    """
    if variant == "120-xset":
        return setup % 2 == 0
    if variant == "60-xview":
        return camera in CAMERAS
    return subject in (SUBJECTS_60 if variant == "60-xsub" else SUBJECTS_120)


def read(videos: Path, annotations: Path, variant: str, part: str) -> Listing:
    """All recordings below ``videos``, those of the first 17 setups and 60 actions for NTU 60.

    ``variant``: ``60-xsub``, ``60-xview``, ``120-xsub`` or ``120-xset``. Recordings that are named
    in a file ``*missing_skeletons*.txt`` among the annotations, as the authors publish them, are
    left out.
    """
    if variant not in VARIANTS:
        raise ValueError(f"NTU variant '{variant}': known are {', '.join(VARIANTS)}")
    small = variant.startswith("60")
    left_out: set[str] = set()
    for path in annotations.glob("*missing_skeletons*.txt"):
        text = path.read_text(encoding="utf-8")
        left_out |= {match[0] for match in NAME.finditer(text)}
    names = resources(__package__).joinpath("ntu_actions.txt").read_text("utf-8").splitlines()
    samples = []
    for stem, path in Files(videos).found.items():
        match = NAME.match(stem)
        if match is None or match[0] in left_out:
            continue
        setup, camera, subject, _, action = (int(number) for number in match.groups())
        if small and (setup > SETUPS_60 or action > CLASSES_60):
            continue
        if trains(variant, setup, camera, subject) == (part == "train"):
            samples.append(Sample(path, action - 1))
    return Listing(tuple(samples), tuple(names[:CLASSES_60] if small else names))
