"""Markdown of what came out."""

import statistics

from torch import Tensor

from .ablations import ABLATIONS, FULL
from .config import BenchmarkConfig
from .cost import Cost, cost
from .ledger import Ledger, Record
from .systems import SYSTEMS, TokenNetwork


def mean_and_deviation(records: list[Record], key: str) -> str:
    """Percent over seeds, with the sample's standard deviation where there are several."""
    values = [100 * record[key] for record in records]
    mean = f"{statistics.mean(values):.1f}"
    return f"{mean} +- {statistics.stdev(values):.1f}" if len(values) > 1 else mean


def costs(config: BenchmarkConfig, bank: Tensor) -> dict[str, Cost]:
    """What each row of the table costs."""
    return {one.name: cost(TokenNetwork(one, config, bank), config) for one in SYSTEMS}


def main_table(ledger: Ledger, measured: dict[str, Cost]) -> str:
    """One row a system; rows without a finished run are left out."""
    lines = [
        "| system | top-1 | mean-class | seeds | parameters | MMACs | ms | s of training |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for system in SYSTEMS:
        records = ledger.of(system.name)
        if not records:
            continue
        spent = measured[system.name]
        seconds = statistics.mean(record["seconds"] for record in records)
        lines.append(
            f"| {system.name} | {mean_and_deviation(records, 'top-1')} "
            f"| {mean_and_deviation(records, 'mean-class')} | {len(records)} "
            f"| {spent.parameters:,} | {1e3 * spent.gmacs:.1f} | {spent.milliseconds:.1f} "
            f"| {seconds:.0f} |"
        )
    return "\n".join(lines)


def ablation_table(ledger: Ledger) -> str:
    """One row an ablation, below the full system on the same seeds."""
    full = {record["seed"]: record for record in ledger.of(FULL)}
    lines = ["| ART | top-1 | full on the same seeds | seeds |", "| --- | --- | --- | --- |"]
    for system in ABLATIONS:
        records = [record for record in ledger.of(system.name) if record["seed"] in full]
        if not records:
            continue
        same = [full[record["seed"]] for record in records]
        lines.append(
            f"| {system.name.removeprefix('ART: ')} | {mean_and_deviation(records, 'top-1')} "
            f"| {mean_and_deviation(same, 'top-1')} | {len(records)} |"
        )
    return "\n".join(lines)
