"""UCF101 and HMDB51, each with three official splits."""

import re
from pathlib import Path

from .listing import Listing, Sample, lines, malformed

SPLITS = ("1", "2", "3")
USES = {"train": "1", "test": "2"}  # in a split file of HMDB51; 0: in neither


def _checked(name: str, variant: str) -> None:
    if variant not in SPLITS:
        raise ValueError(f"{name} variant '{variant}': known are the splits {', '.join(SPLITS)}")


def read_ucf101(videos: Path, annotations: Path, variant: str, part: str) -> Listing:
    """``classInd.txt`` (``1 ApplyEyeMakeup``) and ``trainlist01.txt`` or ``testlist01.txt``
    (``ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi``, with the class number in training lists);
    ``variant`` is the split.
    """
    _checked("UCF101", variant)
    index, number = annotations / "classInd.txt", {}
    for line in lines(index):
        match = re.fullmatch(r"(\d+) (\S+)", line)
        if match is None:
            raise malformed(index, line, "NUMBER CLASS")
        number[match[2]] = int(match[1]) - 1
    source, samples = annotations / f"{part}list{int(variant):02d}.txt", []
    for line in lines(source):
        match = re.fullmatch(r"((\S+)/\S+)(?: \d+)?", line)
        if match is None or match[2] not in number:
            raise malformed(source, line, f"CLASS/FILE with a class of {index.name}")
        samples.append(Sample(videos / match[1], number[match[2]]))
    return Listing(tuple(samples), tuple(sorted(number, key=number.__getitem__)))


def read_hmdb51(videos: Path, annotations: Path, variant: str, part: str) -> Listing:
    """A file ``CLASS_test_split1.txt`` of ``FILE USE`` for every class and split, USE being 1 for
    training, 2 for test and 0 for neither; videos in a folder a class. ``variant`` is the split.
    """
    _checked("HMDB51", variant)
    end = f"_test_split{variant}.txt"
    sources = sorted(annotations.glob(f"*{end}"))
    if not sources:
        raise FileNotFoundError(f"no annotation files {annotations}/CLASS{end}")
    names = tuple(source.name.removesuffix(end) for source in sources)
    samples = []
    for label, source in enumerate(sources):
        for line in lines(source):
            file, _, use = line.rpartition(" ")
            if use not in ("0", "1", "2"):
                raise malformed(source, line, "FILE and 0, 1 or 2")
            if use == USES[part]:
                samples.append(Sample(videos / names[label] / file.strip(), label))
    return Listing(tuple(samples), names)
