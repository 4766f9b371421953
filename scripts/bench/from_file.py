"""From a 1080p file to scores: the element beside Python loops, each above its own decoding."""

from contenders import Bench, Contender
from process import Cost
from report import Table
from summary import Spread, agreement, apart, beyond, speeds

DECODE, CLIP, SPLIT = "GStreamer decodes only", "artclassify, clip", "artclassify, split"
READERS = {"opencv": "OpenCV", "pyav": "PyAV"}


def contenders(bench: Bench, hop: int) -> list[Contender]:
    """All of them."""
    loops = [
        contender
        for reader, name in READERS.items()
        for contender in (
            bench.python(decodes(name), reader, hop, "--decode"),
            bench.python(loop(name), reader, hop),
            bench.python(tuned(name), reader, hop, "--tuned"),
        )
    ]
    return [
        bench.decode(DECODE),
        bench.recorded(SPLIT, bench.split_form, hop),
        bench.recorded(CLIP, bench.clip_form, hop),
        *loops,
    ]


def decodes(reader: str) -> str:
    """A name."""
    return f"{reader} decodes only"


def loop(reader: str) -> str:
    """A name."""
    return f"Python, {reader} and onnxruntime"


def tuned(reader: str) -> str:
    """A name."""
    return f"{loop(reader)}, tuned"


def floors(costs: dict[str, list[Cost]]) -> dict[str, list[Cost]]:
    """Decoding alone, as each contender decodes."""
    found = {DECODE: costs[DECODE], SPLIT: costs[DECODE], CLIP: costs[DECODE]}
    for name in READERS.values():
        found |= dict.fromkeys((decodes(name), loop(name), tuned(name)), costs[decodes(name)])
    return found


def table(costs: dict[str, list[Cost]], hop: int, frames: int) -> Table:
    """Whole processes, from start to end."""
    floor = floors(costs)
    rows = [
        [
            name,
            Spread.of([cost.wall for cost in each]).text(),
            Spread.of([cost.cpu for cost in each]).text(),
            "" if each is floor[name] else Spread.of(beyond(each, floor[name])).text(),
            Spread.of(speeds(each)).text(1) if each[0].windows else "",
            f"{max(cost.peak_mb for cost in each):.0f} MB",
        ]
        for name, each in costs.items()
    ]
    mine = costs[SPLIT][0].scores
    alike = ", ".join(
        f"that with {name} names the same class in "
        f"{agreement(mine, costs[loop(name)][0].scores):.0%} of {len(mine)} windows"
        for name in READERS.values()
    )
    notes = [
        f"Scores of the split form are {apart(mine, costs[CLIP][0].scores):.1e} from those of the "
        f"clip form. Loops make pictures small in another way: {alike}."
    ]
    return Table(
        "From a 1080p file",
        f"{frames} frames of H.264, hop {hop}. Whole processes with their start; artclassify "
        "writes JSON Lines, loops print as much. Loops use the clip form, as people write them "
        "(`cap.read()` of every frame, `to_ndarray` of the samples, sessions with default options) "
        "or tuned (`cap.grab()` of frames that are no sample, PyAV with threads, ONNX Runtime's "
        "threads do not spin). Decoding alone is what the same library takes to decode and throw "
        "away.",
        ["contender", "wall s", "CPU s", "CPU s beyond decoding", "windows/s", "peak memory"],
        rows,
        notes,
    )


def bars(costs: dict[str, list[Cost]], hop: int) -> list[list[str]]:
    """CPU beyond decoding over that of the loops."""
    floor = floors(costs)
    mine = beyond(costs[SPLIT], floor[SPLIT])
    rows = []
    for named in (loop, tuned):
        for name in READERS.values():
            theirs = beyond(costs[named(name)], floor[named(name)])
            found = Spread.of([one / other for one, other in zip(mine, theirs, strict=True)])
            what = f"CPU beyond decoding, artclassify over {named(name)}, hop {hop}"
            rows.append([what, "0.25", found.text()])
    return rows
