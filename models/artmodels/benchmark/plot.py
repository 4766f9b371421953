"""Accuracy against cost, as a picture."""

import statistics
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot  # noqa: E402

from .cost import Cost  # noqa: E402
from .ledger import Ledger  # noqa: E402
from .systems import SYSTEMS  # noqa: E402

INCHES, DOTS = (6.4, 4.0), 110


def accuracy_against_cost(ledger: Ledger, measured: dict[str, Cost], out: Path) -> None:
    """Top-1 over the time of a window; bars are the deviation over seeds."""
    figure, axes = pyplot.subplots(figsize=INCHES, layout="constrained")
    middle = max(one.milliseconds for one in measured.values()) / 2
    for system in SYSTEMS:
        values = [100 * record["top-1"] for record in ledger.of(system.name)]
        if not values:
            continue
        at, mean = measured[system.name].milliseconds, statistics.mean(values)
        error = statistics.stdev(values) if len(values) > 1 else 0.0
        axes.errorbar(at, mean, error, fmt="o", capsize=3)
        side = (
            {"xytext": (6, 5), "ha": "left"} if at < middle else {"xytext": (-6, 5), "ha": "right"}
        )
        axes.annotate(system.name, (at, mean), textcoords="offset points", size=8, **side)
    axes.set_xlabel("ms a window behind the encoder, ONNX Runtime, one CPU thread")
    axes.set_ylabel("top-1 on SynthDive48, percent")
    axes.margins(0.18, 0.15)
    axes.grid(alpha=0.3)
    figure.savefig(out, dpi=DOTS)
    pyplot.close(figure)
