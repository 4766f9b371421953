"""Diving48 V2: ``Diving48_V2_{train,test}.json`` and ``Diving48_vocab.json``."""

from pathlib import Path

from .listing import Files, Listing, Sample, malformed, parsed


def read(videos: Path, annotations: Path, variant: str, part: str) -> Listing:
    """Entries ``{"vid_name", "label", "start_frame", "end_frame"}``; ``vid_name`` is a file below
    ``videos``. A class is a list of four words, such as Back, 15som, 05Twis, FREE; they are joined
    by "+". No variants.
    """
    if variant:
        raise ValueError(f"Diving48 has no variant '{variant}'")
    names = tuple("+".join(words) for words in parsed(annotations / "Diving48_vocab.json"))
    source, files = annotations / f"Diving48_V2_{part}.json", Files(videos)
    samples = []
    for entry in parsed(source):
        try:
            name, label = entry["vid_name"], int(entry["label"])
            first, end = int(entry["start_frame"]), int(entry["end_frame"])
        except (KeyError, TypeError, ValueError) as error:
            expected = "vid_name, label, start_frame and end_frame"
            raise malformed(source, entry, expected) from error
        samples.append(Sample(files[name], label, first, end))
    return Listing(tuple(samples), names)
