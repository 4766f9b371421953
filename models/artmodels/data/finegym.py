"""FineGym: Gym99 and Gym288, lists of elements v1.0 and v1.1."""

import re
from collections import Counter
from pathlib import Path

from .listing import Files, Listing, Sample, lines, malformed

VARIANTS = ("gym99_v1.0", "gym99_v1.1", "gym288_v1.0", "gym288_v1.1")
ELEMENT = re.compile(r"(\S{11}_E_\d{6}_\d{6}_A_\d{4}_\d{4})\s+(\d+)")
CATEGORY = re.compile(
    r"Clabel:\s*(?P<label>\d+)\s*;"
    r"(?:\s*set\s*:\s*(?P<set>\d+)\s*;|\s*\w+\s*:\s*\d+\s*;)*"
    r"\s*(?P<name>.+)"
)

# Of set_categories.txt: those that share names of elements with another.
SETS = {"33": "in flight", "35": "as dismount"}


def read(videos: Path, annotations: Path, variant: str, part: str) -> Listing:
    """Trimmed elements, a file each, named ``VIDEO_E_start_end_A_start_end`` as in the lists.

    ``variant``: which classes and which training list, such as ``gym99_v1.1``. Files:
    ``gym99_train_element_v1.1.txt``, ``gym99_val_element.txt`` (one for both versions) and
    ``gym99_categories.txt``. Elements of two sets of one apparatus may have one name; they are told
    apart by their set.
    """
    if variant not in VARIANTS:
        raise ValueError(f"FineGym variant '{variant}': known are {', '.join(VARIANTS)}")
    classes, version = variant.split("_")
    categories = annotations / f"{classes}_categories.txt"
    named, sets = {}, {}
    for line in lines(categories):
        match = CATEGORY.fullmatch(line)
        if match is None:
            raise malformed(categories, line, "Clabel: NUMBER; set: ...; Glabel: ...; NAME")
        label = int(match["label"])
        named[label], sets[label] = match["name"].strip(), match["set"]
    if sorted(named) != list(range(len(named))):
        raise ValueError(f"{categories}: labels are not 0 to {len(named) - 1}")
    shared = {name for name, count in Counter(named.values()).items() if count > 1}
    for label, name in named.items():
        if name in shared:
            named[label] = f"{name}, {SETS.get(sets[label], f'set {sets[label]}')}"
    stem = f"train_element_{version}" if part == "train" else "val_element"
    source, files = annotations / f"{classes}_{stem}.txt", Files(videos)
    samples = []
    for line in lines(source):
        match = ELEMENT.fullmatch(line)
        if match is None:
            raise malformed(source, line, "VIDEO_E_######_######_A_####_#### LABEL")
        samples.append(Sample(files[match[1]], int(match[2])))
    return Listing(tuple(samples), tuple(named[label] for label in range(len(named))))
