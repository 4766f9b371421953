"""The figures of a benchmark as a picture."""

from pathlib import Path

import from_file
from process import Cost
from summary import Spread, beyond, speeds

Costs = dict[str, list[Cost]]


def draw(fed: Costs, played: Costs, shared: Costs, frames: int, to: Path) -> None:
    """Bars with the least and the most of all rounds."""
    # Only now: a process starts with as much resident memory as the one that starts it.
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    floor = from_file.floors(played)
    panels = {
        f"windows of {frames} samples a second, without decoding": {
            name: speeds(costs) for name, costs in fed.items()
        },
        "CPU seconds beyond decoding, from a 1080p file": {
            name: beyond(costs, floor[name])
            for name, costs in played.items()
            if costs is not floor[name]
        },
        "MB of memory, many streams": {
            name: [cost.peak_mb for cost in costs] for name, costs in shared.items()
        },
    }
    rows = [len(values) for values in panels.values()]
    figure, axes = pyplot.subplots(
        len(panels), 1, figsize=(10, 0.4 * sum(rows)), height_ratios=rows, layout="constrained"
    )
    for axis, (title, values) in zip(axes, panels.items(), strict=True):
        spreads = [Spread.of(each) for each in values.values()]
        medians = [spread.median for spread in spreads]
        errors = [
            [spread.median - spread.least for spread in spreads],
            [spread.most - spread.median for spread in spreads],
        ]
        others = ("bare", "Python", "processes", "spinning")
        colors = [
            "tab:gray" if any(word in name for word in others) else "tab:blue" for name in values
        ]
        bars = axis.barh(list(values), medians, xerr=errors, color=colors, capsize=3)
        axis.bar_label(bars, fmt=digits, padding=12)
        axis.invert_yaxis()
        axis.set_title(title)
        axis.margins(x=0.15)
    figure.savefig(to, dpi=100)


def digits(value: float) -> str:
    """Three digits at least, and no powers of ten."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
