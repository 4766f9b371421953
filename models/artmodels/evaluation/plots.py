"""Plots as PNG files."""

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .results import Results

DPI = 150
NAMED = 60  # classes up to which a confusion matrix names them
INK, GRID = "#333333", "#dddddd"
SHADES = "Blues"
HEAT, OPAQUE = "autumn", 0.8  # of the most attended cell
HUE = "#2b6cb0"


def _saved(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=DPI, bbox_inches="tight", facecolor="white")


def confusion_plot(matrix: np.ndarray, names: Sequence[str], path: Path) -> None:
    """Row by row, the shares of a true class's videos ``[N, N]`` that got each answer."""
    count = len(matrix)
    share = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    side = float(np.clip(0.17 * count, 3, 12))
    figure = Figure(figsize=(side + 1, side))
    axes = figure.add_subplot()
    shown = axes.imshow(share, cmap=SHADES, vmin=0, vmax=1, interpolation="nearest")
    if count <= NAMED:
        size = 8 if count <= 20 else 5
        axes.set_xticks(range(count), names, rotation=90, fontsize=size)
        axes.set_yticks(range(count), names, fontsize=size)
    axes.tick_params(length=0, colors=INK)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("answer", color=INK)
    axes.set_ylabel("true class", color=INK)
    bar = figure.colorbar(shown, ax=axes, fraction=0.046, pad=0.02, format="{x:.0%}")
    bar.set_label("share of a class's videos", color=INK)
    bar.outline.set_visible(False)
    _saved(figure, path)


def _overlaid(axes: Axes, frame: np.ndarray, heat: np.ndarray, top: float) -> None:
    height, width = frame.shape[:2]
    axes.imshow(frame.mean(2), cmap="gray", vmin=0, vmax=255)
    grown = np.clip(cv2.resize(heat, (width, height), interpolation=cv2.INTER_CUBIC) / top, 0, 1)
    axes.imshow(grown, cmap=HEAT, alpha=OPAQUE * grown, vmin=0, vmax=1)


def attention_plot(
    frames: np.ndarray,
    attention: np.ndarray,
    relevance: np.ndarray,
    titles: Sequence[str],
    path: Path,
) -> None:
    """A clip ``[T, H, W, 3]`` with the attention ``[K, T, h, w]`` of each query over its frames, a
    row a query, and below the rows each frame's weight ``[K, T]`` in that query's tracklet.
    """
    queries, count = attention.shape[:2]
    figure = Figure(figsize=(1.1 * count, 2.1 * queries))
    rows = figure.add_gridspec(queries, 1, hspace=0.25)
    for k in range(queries):
        grid = rows[k].subgridspec(2, count, height_ratios=(1, 0.45), hspace=0.08, wspace=0.05)
        for t in range(count):
            axes = figure.add_subplot(grid[0, t])
            _overlaid(axes, frames[t], attention[k, t], attention[k].max())
            axes.set_axis_off()
            if t == 0:
                axes.set_title(titles[k], loc="left", fontsize=8, color=INK)
        bars = figure.add_subplot(grid[1, :])
        bars.bar(range(count), relevance[k], width=0.92, color=HUE)
        bars.set_xlim(-0.5, count - 0.5)
        bars.set_xticks([])
        bars.set_ylabel("weight", fontsize=7, color=INK)
        bars.tick_params(labelsize=6, colors=INK)
        bars.spines[["top", "right"]].set_visible(False)
    _saved(figure, path)


def cost_plot(results: Sequence[Results], path: Path) -> None:
    """Top-1 against GMACs of a video, all views counted; areas grow with the parameters."""
    figure = Figure(figsize=(6.4, 4.2))
    axes = figure.add_subplot()
    cost = [one.cost for one in results]
    top = [100 * one.scores["top-1"] for one in results]
    area = [40 + 8 * one.parameters / 1e6 for one in results]
    axes.scatter(cost, top, s=area, color=HUE, alpha=0.75, linewidths=0, zorder=2)
    for one, x, y, disc in zip(results, cost, top, area, strict=True):
        axes.annotate(
            f"{one.name} ({one.parameters / 1e6:.3g} M)",
            (x, y),
            (0, math.sqrt(disc / math.pi) + 4),
            textcoords="offset points",
            ha="center",
            fontsize=8,
            color=INK,
        )
    axes.set_xscale("log")
    axes.margins(0.18, 0.18)
    axes.set_ylim(top=min(axes.get_ylim()[1], 103))
    axes.xaxis.set_major_formatter(mpl.ticker.FormatStrFormatter("%g"))
    axes.xaxis.set_minor_formatter(mpl.ticker.NullFormatter())
    axes.set_xlabel("GMACs of a video", color=INK)
    axes.set_ylabel("top-1 in percent", color=INK)
    axes.grid(color=GRID, linewidth=0.6, zorder=0)
    axes.tick_params(colors=INK)
    axes.spines[["top", "right"]].set_visible(False)
    _saved(figure, path)
