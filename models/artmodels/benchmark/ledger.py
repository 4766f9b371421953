"""Finished runs as JSON lines, so that what is done is not done again."""

import json
from pathlib import Path
from typing import Any

Record = dict[str, Any]


class Ledger:
    """Records of runs in ``path``, a line each; those of another budget are passed by."""

    def __init__(self, path: Path, budget: dict[str, Any]) -> None:
        self.path = path
        self.budget = json.loads(json.dumps(budget))
        self.records: list[Record] = []
        if path.exists():
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                self._read(number, line)

    def _read(self, number: int, line: str) -> None:
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(
                f"{self.path}, line {number}: not a record of a run ({error}); "
                "remove the line to have that run done again"
            ) from error
        if record["budget"] == self.budget:
            self.records.append(record)

    def of(self, name: str) -> list[Record]:
        """Finished runs of a system, one a seed, in the order of seeds."""
        found = {record["seed"]: record for record in self.records if record["system"] == name}
        return [found[seed] for seed in sorted(found)]

    def has(self, name: str, seed: int) -> bool:
        """Whether this run is finished."""
        return any(record["seed"] == seed for record in self.of(name))

    def add(self, name: str, seed: int, found: dict[str, float]) -> None:
        """Write a finished run."""
        record = {"system": name, "seed": seed, **found, "budget": self.budget}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        self.records.append(record)
