"""Kinetics-400 and -600: CSV files of labels and times, files ``ID_start_end.mp4``."""

import csv
from pathlib import Path

from .listing import Files, Listing, Sample, first, malformed

COLUMNS = ("label", "youtube_id", "time_start", "time_end")
PARTS = {"train": ("train",), "test": ("val", "validate")}


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if not set(COLUMNS) <= set(reader.fieldnames or ()):
            raise malformed(path, ",".join(reader.fieldnames or ()), ",".join(COLUMNS))
        return list(reader)


def _source(annotations: Path, part: str) -> Path:
    return first(annotations, *(f"{name}.csv" for name in PARTS[part]))


def read(videos: Path, annotations: Path, variant: str, part: str) -> Listing:
    """``train.csv`` and ``val.csv`` (or ``validate.csv``) with the columns ``label, youtube_id,
    time_start, time_end, split``; videos are trimmed, ``ID_%06d_%06d.mp4``, in any folders below
    ``videos``.

    Class ids are the labels of ``train.csv`` in alphabetical order, which is the numbering in
    common use. ``variant``, "400" or "600" or nothing, is how many classes there have to be.
    """
    rows = {name: _rows(_source(annotations, name)) for name in {"train", part}}
    names = tuple(sorted({row["label"] for row in rows["train"]}))
    if variant and len(names) != int(variant):
        raise ValueError(f"{_source(annotations, 'train')}: {len(names)} classes, not {variant}")
    number, files = {name: n for n, name in enumerate(names)}, Files(videos)
    samples = []
    for row in rows[part]:
        if row["label"] not in number:
            raise malformed(_source(annotations, part), row["label"], "a label of train.csv")
        times = (int(float(row["time_start"])), int(float(row["time_end"])))
        file = files[f"{row['youtube_id']}_{times[0]:06d}_{times[1]:06d}"]
        samples.append(Sample(file, number[row["label"]]))
    return Listing(tuple(samples), names)
