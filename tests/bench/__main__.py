"""`make bench`: the cost of the instrumentation and of our own code, as ratios within one run."""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import time
from collections.abc import Callable, Mapping, Sequence

import pandas as pd
from rich.console import Console, Group, RenderableType
from rich.table import Table
from vega_datasets import data

from alertdrill_telemetry import TelemetrySettings
from alertdrill_telemetry.logs import JsonFormatter
from apps.data_service.summary_statistics import describe
from tests.bench import (
    containers,
    log_throughput,
    request_parts,
    request_sizes,
    scaling,
    slow_clients,
    soak,
    telemetry,
)

# Odd, so that the median is a measurement; interleaved, so that a busy moment affects both sides.
ROUNDS = 9
SETTINGS = TelemetrySettings(service="bench", instance="bench-1")


def formatting(formatter: logging.Formatter) -> Callable[[], object]:
    """Return 2,000 log lines."""
    record = logging.LogRecord("bench", logging.INFO, __file__, 1, "%s of %s", (1, 2), None)
    return lambda: [formatter.format(record) for _ in range(2000)]


def ratio(ours: Callable[[], object], other: Callable[[], object]) -> tuple[float, float]:
    """Return our seconds and their ratio to the other's, as medians of interleaved rounds."""
    ours(), other()  # the first round pays for imports and caches
    pairs = [(_seconds(ours), _seconds(other)) for _ in range(ROUNDS)]
    return statistics.median(seconds for seconds, _ in pairs), statistics.median(
        a / b for a, b in pairs
    )


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def code() -> Table:
    """Measure our own functions."""
    rows = json.loads(data.cars.raw())
    plain = logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s")
    cases = {
        "2,000 log lines, contract JSON : plain text": (
            formatting(JsonFormatter(SETTINGS)),
            formatting(plain),
        ),
        "406 rows described, ours : pandas from the same rows": (
            lambda: describe(rows),
            lambda: pd.DataFrame(rows).describe(),
        ),
    }
    table = Table("Ours : the other", "Ours", "Ratio", box=None, pad_edge=False)
    for name, (ours, other) in cases.items():
        seconds, times = ratio(ours, other)
        table.add_row(name, f"{seconds * 1000:.1f} ms", f"{times:.2f}")
    return table


PARTS: Mapping[str, Callable[[], RenderableType]] = {
    "telemetry": lambda: Group(telemetry.table(), "", request_parts.table()),
    "code": code,
    "sizes": request_sizes.table,
    "logs": log_throughput.table,
    "scaling": scaling.table,
    "slow-clients": slow_clients.table,
    "containers": containers.table,
    "soak": soak.table,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description="Measure the instrumentation of a request, our own functions, requests of"
        " several sizes, the delivery of logs, more instances of web, slow clients, and the"
        " containers; soak both servers. Print tables.",
    )
    parser.add_argument("part", nargs="*", help=f"only these: {', '.join(PARTS)}")
    parts = parser.parse_args(arguments).part
    if unknown := [part for part in parts if part not in PARTS]:
        parser.error(f"there is no part {', '.join(unknown)}: the parts are {', '.join(PARTS)}")
    for name in parts or PARTS:
        Console().print(PARTS[name](), "")


if __name__ == "__main__":
    main()
