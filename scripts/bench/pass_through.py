"""What a frame costs that is not sampled: the criterion bench `frames`, read from its files."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from report import Table

GROUP = "frame"
PLAIN, IDENTITY, PASSED = "no element", "identity", "hold, no result yet"


def measure(options: Sequence[str]) -> dict[str, tuple[float, float, float]]:
    """Microseconds a frame: median and its 95 % interval, by name; `options` are criterion's."""
    command = ["cargo", "bench", "--locked", "--bench", "frames", "--", *options]
    subprocess.run(command, check=True)
    folder = Path(os.environ.get("CARGO_TARGET_DIR", "target")) / "criterion" / GROUP
    found = {}
    for file in folder.glob("*/new/benchmark.json"):
        name = json.loads(file.read_text(encoding="utf-8"))["function_id"]
        told = json.loads(file.with_name("estimates.json").read_text(encoding="utf-8"))["median"]
        interval = told["confidence_interval"]
        times = told["point_estimate"], interval["lower_bound"], interval["upper_bound"]
        found[name] = tuple(time / 1000 for time in times)
    return found


def table(found: dict[str, tuple[float, float, float]]) -> Table:
    """All of them."""
    rows = [
        [name, f"{median:.2f} ({low:.2f}-{high:.2f})"]
        for name, (median, low, high) in sorted(found.items(), key=lambda item: item[1])
    ]
    return Table(
        "A frame that is not sampled",
        "From pad to pad, the making of the buffer included; median and its 95 % interval.",
        ["what", "microseconds a frame"],
        rows,
    )


def bars(found: dict[str, tuple[float, float, float]]) -> list[list[str]]:
    """The cost of a frame that passes."""
    own, identity = found[PASSED][0] - found[PLAIN][0], found[IDENTITY][0] - found[PLAIN][0]
    what = f"microseconds for a frame that passes without a result; identity takes {identity:.2f}"
    return [[what, "2", f"{own:.2f}"]]
