"""Something-Something: V1 as folders of JPEG frames with CSV lists, V2 as WebM with JSON lists."""

from pathlib import Path

from .listing import Files, Listing, Sample, first, lines, malformed, parsed

PARTS = {"train": "train", "test": "validation"}  # labels of the test parts are not published


def read_v1(videos: Path, annotations: Path, variant: str, part: str) -> Listing:
    """Lists ``something-something-v1-{train,validation}.csv`` of ``id;label``, classes in
    ``something-something-v1-labels.csv``; frames ``videos/ID/00001.jpg`` and on.

    Class ids are the labels in alphabetical order: so the lists of TSM number them, and those who
    train on these. No variants.
    """
    if variant:
        raise ValueError(f"Something-Something V1 has no variant '{variant}'")
    names = tuple(sorted(lines(annotations / "something-something-v1-labels.csv")))
    number = {name: n for n, name in enumerate(names)}
    source = annotations / f"something-something-v1-{PARTS[part]}.csv"
    if not videos.is_dir():
        raise FileNotFoundError(f"no folder {videos} with folders of frames")
    samples = []
    for line in lines(source):
        name, _, label = line.partition(";")
        if label not in number:
            raise malformed(source, line, "ID;LABEL with a label of the label file")
        samples.append(Sample(videos / name, number[label]))
    return Listing(tuple(samples), names)


def read_v2(videos: Path, annotations: Path, variant: str, part: str) -> Listing:
    """Lists ``something-something-v2-{train,validation}.json``, or ``train.json`` and
    ``validation.json``, of ``{"id", "template"}``; class ids in
    ``something-something-v2-labels.json`` or ``labels.json``; files ``videos/ID.webm``. No
    variants.
    """
    if variant:
        raise ValueError(f"Something-Something V2 has no variant '{variant}'")
    prefix = "something-something-v2-"
    classes = first(annotations, f"{prefix}labels.json", "labels.json")
    number = {name: int(label) for name, label in parsed(classes).items()}
    source = first(annotations, f"{prefix}{PARTS[part]}.json", f"{PARTS[part]}.json")
    files, samples = Files(videos), []
    for entry in parsed(source):
        label = entry.get("template", "").replace("[", "").replace("]", "")
        if label not in number or "id" not in entry:
            raise malformed(source, entry, "id, and a template that is a label of the label file")
        samples.append(Sample(files[str(entry["id"])], number[label]))
    return Listing(tuple(samples), tuple(sorted(number, key=number.__getitem__)))
