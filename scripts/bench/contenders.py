"""Who runs side by side, and how each is started."""

import json
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gated import run_together
from process import Cost, run

LOOP = Path(__file__).with_name("python_loop.py")
# As the bare runs.
PROVIDERS = "providers=cpu"
SAMPLES_A_RUN = 240
MOST_WINDOWS = 120


@dataclass(frozen=True)
class Contender:
    """Someone who does the same work as others."""

    name: str
    run: Callable[[], Cost]


def compete(contenders: Sequence[Contender], rounds: int) -> dict[str, list[Cost]]:
    """Lets all run once a round, in another order each time; costs by name, a round each."""
    costs: dict[str, list[Cost]] = {contender.name: [] for contender in contenders}
    shuffle = random.Random(0)
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        for contender in shuffle.sample(contenders, len(contenders)):
            costs[contender.name].append(contender.run())
    return costs


@dataclass(frozen=True)
class Bench:
    """What all contenders share."""

    clip_form: Path
    split_form: Path
    threads: int
    pictures: Path
    video: Path
    scratch: Path
    contender: Path

    def job(self, form: Path, hop: int, windows: int, runner: dict[str, Any]) -> dict[str, Any]:
        """What a contender is told that is fed pictures of the model's size out of memory."""
        return {
            "model": str(form),
            "pictures": str(self.pictures),
            "windows": windows,
            "hop": hop,
            "threads": self.threads,
            "runner": runner,
        }

    def fed(self, name: str, job: dict[str, Any]) -> Contender:
        """One that does a job by itself."""

        def race() -> Cost:
            _, printed = run([str(self.contender), json.dumps(job)])
            told = json.loads(printed)
            scores = [{int(k): v for k, v in window.items()} for window in told.pop("scores")]
            return Cost(scores=scores, **told)

        return Contender(name, race)

    def together(
        self,
        name: str,
        form: Path,
        hop: int,
        windows: int,
        streams: int,
        properties: str = "",
        light: bool = False,
        processes: int = 1,
    ) -> Contender:
        """The element, from memory, several times over: in one pipeline, and in processes."""
        properties = f"{PROVIDERS} {properties}"
        runner = {"element": {"streams": streams, "properties": properties, "light": light}}
        job = self.job(form, hop, windows, runner)
        return Contender(name, lambda: run_together([str(self.contender)], job, processes))

    def bare(
        self, name: str, form: Path, hop: int, windows: int, batch: int = 1, spinning: bool = False
    ) -> Contender:
        """A loop around ONNX Runtime."""
        runner = {"bare": {"batch": batch, "spinning": spinning}}
        return self.fed(name, self.job(form, hop, windows, runner))

    def element(self, name: str, form: Path, hop: int, windows: int) -> Contender:
        """The element, from memory."""
        runner = {"element": {"streams": 1, "properties": PROVIDERS}}
        return self.fed(name, self.job(form, hop, windows, runner))

    def decode(self, name: str) -> Contender:
        """GStreamer decodes the video and throws it away."""
        return Contender(name, lambda: run(self.pipeline("fakesink sync=false"))[0])

    def recorded(self, name: str, form: Path, hop: int) -> Contender:
        """From the video to JSON Lines with gst-launch."""
        events = self.scratch / "events.jsonl"
        element = f"artclassify model={form} hop={hop} threads={self.threads} eos=drop {PROVIDERS}"
        line = self.pipeline(f"{element} ! artmetaenc ! filesink location={events}")

        def race() -> Cost:
            cost, _ = run(line)
            lines = map(json.loads, events.read_text(encoding="utf-8").splitlines())
            scores = [
                {best["label_id"]: best["score"] for best in line["top"]}
                for line in lines
                if line["type"] == "window"
            ]
            return replace(cost, windows=len(scores), scores=scores)

        return Contender(name, race)

    def python(self, name: str, reader: str, hop: int, *more: str) -> Contender:
        """From the video to scores in Python."""
        command = [sys.executable, str(LOOP), reader, str(self.video), str(self.clip_form)]
        command += ["--hop", str(hop), "--threads", str(self.threads), *more]

        def race() -> Cost:
            cost, printed = run(command)
            windows = map(json.loads, printed.splitlines())
            scores = [{int(k): v for k, v in window.items()} for window in windows]
            return replace(cost, windows=len(scores), scores=scores)

        return Contender(name, race)

    def pipeline(self, rest: str) -> list[str]:
        """A launch line that decodes the video."""
        source = f"filesrc location={self.video} ! qtdemux ! h264parse ! avdec_h264"
        return ["gst-launch-1.0", "-q", *f"{source} ! {rest}".split()]


def windows_of(hop: int) -> int:
    """How many windows a run of the split form has: about as many samples at every hop."""
    return min(MOST_WINDOWS, SAMPLES_A_RUN // hop)
