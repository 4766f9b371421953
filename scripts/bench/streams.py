"""Several streams on one engine beside as many processes, and a light stream beside heavy ones."""

from contenders import Bench, Contender
from process import Cost
from report import Table
from summary import Spread, per_window, ratio, speeds

MANY = 8
COUNTS = (1, 2, 4, MANY)
WINDOWS = {"clip": 6, "split": 24}
LIGHT_WINDOWS = 8
FAIR = 2.0
ALONE, BESIDE = "a light stream alone", f"the same beside {MANY - 1} that do all they can"


def one(count: int, form: str) -> str:
    """A name."""
    return f"{count} streams in one process, {form}" if count > 1 else f"one stream, {form}"


def several(form: str) -> str:
    """A name."""
    return f"{MANY} processes, {form}"


def batched(form: str) -> str:
    """A name."""
    return f"{one(MANY, form)}, batch-size={MANY}"


def bare() -> str:
    """A name."""
    return f"bare ONNX Runtime, clip, batch {MANY}"


def contenders(bench: Bench, hop: int) -> list[Contender]:
    """All of them."""
    found = []
    for form, manifest in (("clip", bench.clip_form), ("split", bench.split_form)):
        for count in COUNTS if form == "split" else (MANY,):
            found.append(bench.together(one(count, form), manifest, hop, WINDOWS[form], count))
        found.append(bench.together(several(form), manifest, hop, WINDOWS[form], 1, processes=MANY))
        properties = f"batch-size={MANY}"
        found.append(bench.together(batched(form), manifest, hop, WINDOWS[form], MANY, properties))
    found.append(bench.bare(bare(), bench.clip_form, hop, MANY * WINDOWS["clip"], batch=MANY))
    for name, count in ((ALONE, 1), (BESIDE, MANY)):
        light = bench.together(name, bench.split_form, hop, LIGHT_WINDOWS, count, light=True)
        found.append(light)
    return found


def table(costs: dict[str, list[Cost]], hop: int) -> Table:
    """Every contender."""
    rows = [
        [
            name,
            Spread.of(speeds(each)).text(),
            Spread.of(per_window(each)).text(1),
            f"{Spread.of([cost.peak_mb for cost in each]).text(0)} MB",
            Spread.of([cost.result_ms[0] for cost in each]).text(0) if each[0].result_ms else "",
        ]
        for name, each in costs.items()
    ]
    return Table(
        "Many streams",
        f"Pictures out of memory, hop {hop}. Memory is the most that all processes have together "
        "(PSS, which counts what they share once; of the bare run its resident memory). The light "
        "stream gets its frames at the model's rate.",
        ["contender", "windows/s", "CPU ms a window", "memory", "ms to a result"],
        rows,
    )


def bars(costs: dict[str, list[Cost]]) -> list[list[str]]:
    """What sharing promises."""
    rows = []
    for form in WINDOWS:
        mine, theirs = costs[one(MANY, form)], costs[several(form)]
        rows += [
            [
                f"memory of {MANY} streams in one process over that of {MANY} processes, {form}",
                "0.25",
                ratio(mine, theirs, lambda all_: [cost.peak_mb for cost in all_]).text(),
            ],
            [
                f"the same, windows/s, {form}",
                "1",
                ratio(mine, theirs, speeds).text(),
            ],
        ]
    for name in (one(MANY, "clip"), batched("clip")):
        found = ratio(costs[name], costs[bare()], speeds).text()
        rows.append([f"{name}, over {bare()}, windows/s", "0.95", found])
    shares = [
        beside.result_ms[0] / (MANY * alone.result_ms[0])
        for beside, alone in zip(costs[BESIDE], costs[ALONE], strict=True)
    ]
    what = f"time to a result of {BESIDE}, over {MANY} times that of it alone"
    rows.append([what, f"{FAIR:.0f}", Spread.of(shares).text()])
    return rows
