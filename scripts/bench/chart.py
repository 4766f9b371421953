"""The figures of a benchmark as a picture."""

from pathlib import Path

import from_file
from inputs import Recipe
from process import Cost
from summary import Spread, beyond, speeds


def draw(
    fed: dict[str, list[Cost]], played: dict[str, list[Cost]], recipe: Recipe, to: Path
) -> None:
    """Two panels: windows a second without decoding, CPU seconds beyond decoding."""
    # Only now: a process starts with as much resident memory as the one that starts it.
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(2, 1, figsize=(10, 11), layout="constrained")
    floor = from_file.floors(played)
    rates = {name: speeds(costs) for name, costs in fed.items()}
    cpu = {
        name: beyond(costs, floor[name])
        for name, costs in played.items()
        if costs is not floor[name]
    }
    titles = (
        f"Windows of {recipe.frames} samples a second, without decoding",
        "CPU seconds beyond decoding, 1080p file",
    )
    for panel, values, title in zip(panels, (rates, cpu), titles, strict=True):
        spreads = [Spread.of(each) for each in values.values()]
        errors = [
            [spread.median - spread.least for spread in spreads],
            [spread.most - spread.median for spread in spreads],
        ]
        colors = ["tab:blue" if "artclassify" in name else "tab:gray" for name in values]
        medians = [spread.median for spread in spreads]
        bars = panel.barh(list(values), medians, xerr=errors, color=colors, capsize=3)
        panel.bar_label(bars, fmt="%.1f", padding=12)
        panel.invert_yaxis()
        panel.set_title(title)
        panel.margins(x=0.12)
    figure.savefig(to, dpi=110)
