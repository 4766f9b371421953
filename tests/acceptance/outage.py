"""Measures what a broker's death costs: a live stream of actions, and a broker that is killed.

    python -m tests.acceptance.outage --minutes 5 --away 30

The broker is killed a third into the stream, and comes back after `--away` seconds. All that
artmetaenc wrote is compared with all that a subscriber received. Needs the environment that
`make env` prints.
"""

import argparse
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from .broker import Broker, Subscriber, first_times
from .test_publish import FRAME_RATE, STRETCH, launched, line, wait_for_lines

LINGER = 30


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=5.0, help="length of the stream")
    parser.add_argument("--away", type=float, default=30.0, help="seconds without a broker")
    parser.add_argument("--protocol", choices=("3.1.1", "5"), default="3.1.1")
    args = parser.parse_args()
    with TemporaryDirectory() as folder:
        measure(Path(folder), args.minutes * 60, args.away, args.protocol)


def measure(folder: Path, seconds: float, away: float, protocol: str) -> None:
    """Plays, kills, compares; prints a row of a table."""
    sidecar = folder / "events.jsonl"
    actions = max(1, round(seconds * FRAME_RATE / STRETCH / 2))
    properties = f"protocol={protocol} linger={LINGER * 10**9}"
    with Broker(folder) as broker, Subscriber(broker) as subscriber:
        began = time.monotonic()
        with launched(line(broker.url, sidecar, properties, actions, live=True)) as process:
            wait_for_lines(sidecar, 1)
            time.sleep(seconds / 3)
            broker.kill()
            before = sidecar.read_text().splitlines()
            time.sleep(away)
            during = len(sidecar.read_text().splitlines()) - len(before)
            broker.start()
            output, _ = process.communicate(timeout=seconds + 2 * LINGER)
        took = time.monotonic() - began
        written = sidecar.read_text().splitlines()
        deadline = time.monotonic() + LINGER
        while len(subscriber.received()) < len(written) and time.monotonic() < deadline:
            time.sleep(0.1)
        received = [payload for _, payload in subscriber.received()]
    once = first_times(received)
    print(output, file=sys.stderr)
    print("| MQTT | written | arrived | lost | in order | twice | written while away | wall |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    print(
        f"| {protocol} | {len(written)} | {len(once)} | {len(set(written) - set(once))} "
        f"| {'yes' if once == [text for text in written if text in set(once)] else 'no'} "
        f"| {len(received) - len(once)} "
        f"| {during} of {len(written) * away / seconds:.0f} due | {took:.0f} s |"
    )


if __name__ == "__main__":
    main()
