"""All data sets by name."""

from collections.abc import Callable
from pathlib import Path

from . import diving48, finegym, kinetics, ntu, something, ucf_hmdb
from .config import DatasetConfig
from .listing import Listing

Reader = Callable[[Path, Path, str, str], Listing]
READERS: dict[str, Reader] = {
    "diving48": diving48.read,
    "finegym": finegym.read,
    "hmdb51": ucf_hmdb.read_hmdb51,
    "kinetics": kinetics.read,
    "ntu": ntu.read,
    "something-v1": something.read_v1,
    "something-v2": something.read_v2,
    "ucf101": ucf_hmdb.read_ucf101,
}


def read(config: DatasetConfig, root: Path, part: str) -> Listing:
    """The ``part`` ("train" or "test") of a data set whose files lie below ``root``.

    A set whose test labels are not published has its validation clips as test part.
    """
    if config.kind not in READERS:
        raise ValueError(f"data set '{config.kind}': known are {', '.join(READERS)}")
    if part not in ("train", "test"):
        raise ValueError(f"part '{part}': known are train, test")
    listing = READERS[config.kind](
        root / config.videos, root / config.annotations, config.variant, part
    )
    if not listing.samples:
        raise ValueError(f"{config.kind} below {root}: no clips in its {part} part")
    return listing
