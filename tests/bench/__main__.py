"""`make bench`: the cost of the instrumentation and of our own code, as ratios within one run."""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import time
from collections.abc import Callable, Sequence

import pandas as pd
from flask import Flask
from rich.console import Console
from rich.table import Table
from vega_datasets import data

from alertdrill_telemetry import TelemetrySettings, init_app
from alertdrill_telemetry.logs import JsonFormatter, LineHandler
from apps.data_service.summary_statistics import describe
from tests.bench import containers, log_throughput, scaling

# Odd, so that the median is a measurement; interleaved, so that a busy moment affects both sides.
ROUNDS = 9
SETTINGS = TelemetrySettings(service="bench", instance="bench-1")


def bare() -> Flask:
    """Return a Flask application with one view and no telemetry."""
    app = Flask("bench", static_folder=None)
    app.add_url_rule("/", view_func=lambda: {"answer": 42})
    return app


def instrumented() -> Flask:
    """Return the same application with all of our telemetry; its log lines are discarded."""
    app = bare()
    init_app(app, service="bench", settings=SETTINGS)
    _log_to_nothing()
    return app


def _log_to_nothing() -> None:
    for handler in logging.getLogger().handlers:
        if isinstance(handler, LineHandler):
            handler.writer._descriptor = os.open(os.devnull, os.O_WRONLY)


def requests_to(app: Flask) -> Callable[[], object]:
    """Return 200 requests through the whole WSGI stack."""
    client = app.test_client()
    return lambda: [client.get("/") for _ in range(200)]


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


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description="Measure the cost of the instrumentation, the delivery of logs, a second"
        " instance of web, and the containers. Print a table for each.",
    )
    parser.parse_args(arguments)
    rows = json.loads(data.cars.raw())
    plain = logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s")
    cases = {
        "200 requests, instrumented : bare Flask": (
            requests_to(instrumented()),
            requests_to(bare()),
        ),
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
    Console().print(table)
    for benchmark_table in (log_throughput.table, scaling.table, containers.table):
        Console().print()
        Console().print(benchmark_table())


if __name__ == "__main__":
    main()
