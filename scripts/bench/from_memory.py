"""Windows a second without decoding: bare ONNX Runtime and the element, at several hops."""

from collections.abc import Sequence

from contenders import Bench, Contender, windows_of
from process import Cost
from report import Table
from summary import Spread, apart, per_window, ratio, speeds

BATCH = 8
SAME_SCORES = 1e-3


def contenders(
    bench: Bench, hops: Sequence[int], quarter: int, clip_windows: int
) -> list[Contender]:
    """All of them: the clip form costs the same at every hop, so that few windows tell it."""
    clip, split = bench.clip_form, bench.split_form
    batched = -(-clip_windows // BATCH) * BATCH
    return [
        bench.bare(bare_clip(quarter), clip, quarter, clip_windows),
        bench.bare(spinning(quarter), clip, quarter, clip_windows, spinning=True),
        bench.bare(bare_batch(quarter), clip, quarter, batched, batch=BATCH),
        bench.bare(bare_split(quarter), split, quarter, windows_of(quarter)),
        *(bench.element(in_clip(hop), clip, hop, clip_windows) for hop in hops),
        *(bench.element(in_split(hop), split, hop, windows_of(hop)) for hop in hops),
    ]


def bare_clip(hop: int) -> str:
    """A name."""
    return f"bare ONNX Runtime, clip, hop {hop}"


def spinning(hop: int) -> str:
    """A name."""
    return f"the same with spinning threads, hop {hop}"


def bare_batch(hop: int) -> str:
    """A name."""
    return f"bare ONNX Runtime, clip, batch {BATCH}, hop {hop}"


def bare_split(hop: int) -> str:
    """A name."""
    return f"bare ONNX Runtime, split, hop {hop}"


def in_clip(hop: int) -> str:
    """A name."""
    return f"artclassify, clip, hop {hop}"


def in_split(hop: int) -> str:
    """A name."""
    return f"artclassify, split, hop {hop}"


def table(costs: dict[str, list[Cost]], frames: int) -> Table:
    """Every contender beside bare ONNX Runtime in the clip form."""
    bare = next(iter(costs.values()))
    rows = [
        [
            name,
            str(all_costs[0].windows),
            Spread.of(speeds(all_costs)).text(),
            ratio(all_costs, bare, speeds).text(),
            Spread.of(per_window(all_costs)).text(1),
            f"{max(cost.peak_mb for cost in all_costs):.0f} MB",
        ]
        for name, all_costs in costs.items()
    ]
    return Table(
        "Without decoding",
        f"Pictures of the model's size out of memory, windows of {frames} samples. Bare runs have "
        "their tensors ready before the clock starts, in the split form the samples' tensors.",
        ["contender", "windows", "windows/s", "times bare, clip", "CPU ms a window", "peak memory"],
        rows,
        [f"Scores of one contender and another: {differences(costs):.1e} apart at most."],
    )


def differences(costs: dict[str, list[Cost]]) -> float:
    """Largest difference between scores of the same windows, over contenders with the same hop."""
    by_hop: dict[str, list[Cost]] = {}
    for name, all_costs in costs.items():
        by_hop.setdefault(name.rsplit(" ", 1)[1], []).extend(all_costs)
    return max(
        apart(cost.scores, same_hop[0].scores) for same_hop in by_hop.values() for cost in same_hop
    )


def bars(costs: dict[str, list[Cost]], quarter: int, eighths: Sequence[int]) -> list[list[str]]:
    """What the element promises, and what was measured."""
    rows = [
        [
            f"artclassify over bare ONNX Runtime, both in {form} form, windows/s, hop {quarter}",
            bar,
            ratio(costs[element], costs[bare], speeds).text(),
        ]
        for form, element, bare, bar in (
            ("clip", in_clip(quarter), bare_clip(quarter), "0.97"),
            ("split", in_split(quarter), bare_split(quarter), ""),
        )
    ]
    for hop, bar in [(quarter, "3"), *((eighth, "6") for eighth in eighths)]:
        found = ratio(costs[in_split(hop)], costs[in_clip(hop)], speeds)
        rows.append([f"split over clip form, windows/s, hop {hop}", bar, found.text()])
    rows.append([
        "largest difference between scores of the same windows, all of the above",
        f"{SAME_SCORES}",
        f"{differences(costs):.1e}",
    ])  # fmt: skip
    return rows
