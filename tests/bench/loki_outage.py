"""Stop Loki under steady load and restart the collector: every line must be stored once.

The alerts of the log pipeline must fire meanwhile.

`.venv/bin/python -m tests.bench.loki_outage --minutes 10` takes 10 minutes and a few more.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import click
import psutil
import requests
from rich.console import Console
from rich.table import Table

from alertdrill.clients.loki import Loki
from alertdrill.clients.prometheus import Prometheus
from tests.bench.log_line_counts import UNSTRUCTURED, Line, in_files, in_loki
from tests.e2e.log_pipeline import samples
from tests.e2e.stack import Stack, environment, free_ports, poll_until
from tests.e2e.traffic import locust_clients

# Between two samples of the collector.
POLL_INTERVAL_S = 5.0
# Traffic before Loki stops and after it starts, so that lines of both times are compared too.
LOAD_AROUND_S = 20.0
# A backlog of ten minutes is delivered in seconds; ten times the measured time.
TIMEOUT_S = 300.0
# An incomplete line waits 5 s for its end, and a batch a second.
LAST_LINE_TIMEOUT_S = 30.0
MIB = 2**20
QUEUE = "otelcol_exporter_queue_size"
ALERTS = ("LogPipelineDown", "LogPipelineLagging")
# The rule's window, its `for`, and two evaluations.
CLEAR_TIMEOUT_S = 150.0


@dataclass
class Outage:
    """Samples of the collector: MiB in memory, bytes in its queue, and the times of the outage."""

    memory: list[float] = field(default_factory=list)
    queue: list[float] = field(default_factory=list)
    # When Loki stopped and started, in seconds since 1970, and the time to deliver the backlog.
    stopped_at: float = 0.0
    started_at: float = 0.0
    catch_up_s: float = 0.0

    def sample(self, stack: Stack) -> None:
        """Add a sample, unless the collector is starting."""
        pid = stack.instances()["collector-1"]["pid"]
        text = metrics(stack, "collector_metrics")
        if pid and text:
            self.memory.append(psutil.Process(pid).memory_info().rss / MIB)
            self.queue.append(sum(value for _, value in samples(text, QUEUE)))


def metrics(stack: Stack, part: str) -> str:
    """Return a component's metrics, empty if it does not answer."""
    try:
        return requests.get(stack.url(part, "/metrics"), timeout=2).text
    except requests.RequestException:
        return ""


def watch(stack: Stack, outage: Outage, seconds: float) -> None:
    """Sample the collector for some seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        outage.sample(stack)
        time.sleep(POLL_INTERVAL_S)


def delivered(stack: Stack) -> bool:
    """Return whether the collector runs and its queue is empty."""
    text = metrics(stack, "collector_metrics")
    return bool(text) and sum(value for _, value in samples(text, QUEUE)) == 0


def run_outage(stack: Stack, minutes: float, users: int, outage: Outage) -> None:
    """Stop Loki, restart the collector half-way, and wait until everything is delivered."""
    with locust_clients(stack.url("lb"), "--users", str(users)):
        watch(stack, outage, LOAD_AROUND_S)
        outage.stopped_at = time.time()
        stack.alertdrill("stop", "loki")
        watch(stack, outage, minutes * 30)
        stack.alertdrill("restart", "collector")
        watch(stack, outage, minutes * 30)
        stack.alertdrill("start", "loki")
        outage.started_at = time.time()
        poll_until(lambda: delivered(stack), "the queue to be empty", TIMEOUT_S)
        outage.catch_up_s = time.time() - outage.started_at
        watch(stack, outage, LOAD_AROUND_S)
        poll_until(lambda: not firing(stack, "ALERTS"), "the alerts to clear", CLEAR_TIMEOUT_S)


def firing(stack: Stack, series: str) -> dict[str, float]:
    """Return the value that an expression of `ALERTS` has for each alert of the pipeline."""
    selector = f'ALERTS{{alertname=~"{"|".join(ALERTS)}",alertstate="firing"}}'
    query = f"max by (alertname) ({series.replace('ALERTS', selector)})"
    rows = Prometheus(stack.url("prometheus")).query(query)
    return {row["metric"]["alertname"]: float(row["value"][1]) for row in rows}


def alert_times(stack: Stack, outage: Outage) -> Table:
    """Return a table of when each alert fired and cleared; exit 1 if an alert did not fire."""
    window = f"[{time.time() - outage.stopped_at:.0f}s:1s]"
    first = firing(stack, f"min_over_time(timestamp(ALERTS){window})")
    last = firing(stack, f"max_over_time(timestamp(ALERTS){window})")
    if missing := set(ALERTS) - set(first):
        sys.exit(f"{' and '.join(sorted(missing))} did not fire.")
    output = Table("Alert", "Fired after", "Cleared after Loki's start", box=None, pad_edge=False)
    for alert in ALERTS:
        after, cleared = first[alert] - outage.stopped_at, last[alert] - outage.started_at
        output.add_row(alert, f"{after:.0f} s", f"{cleared:.0f} s")
    return output


def compare(stack: Stack) -> tuple[Counter[Line], Counter[Line]]:
    """Return the lines of the files and of Loki up to now, once all are delivered."""
    now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    store, deadline = Loki(stack.url("loki")), time.monotonic() + LAST_LINE_TIMEOUT_S
    files = until(now, in_files(stack.home / "native" / "logs"))
    while True:
        loki = until(now, in_loki(store))
        if not files - loki or time.monotonic() > deadline:
            break
        time.sleep(POLL_INTERVAL_S)
    # Unstructured lines have no time; later ones are in the files too.
    later = until(now, in_files(stack.home / "native" / "logs")) - files
    return files + (later & loki), loki


def until(time_limit: str, lines: Counter[Line]) -> Counter[Line]:
    """Return the lines up to a time, with all unstructured lines, which have no time."""
    earlier = {
        line: count
        for line, count in lines.items()
        if line[1] == UNSTRUCTURED or line[1] < time_limit
    }
    return Counter(earlier)


@click.command()
@click.option(
    "--minutes",
    default=10.0,
    show_default=True,
    help="Minutes for which Loki is stopped (5 or more).",
    type=click.FloatRange(5),
)
@click.option(
    "--users", default=24, show_default=True, help="Clients; each sends one request per second."
)
def main(minutes: float, users: int) -> None:
    """Stop Loki, restart the collector half-way, start Loki, and compare the stored lines.

    Exit with 1 if a line is missing or duplicated, or if an alert of the pipeline did not fire.
    """
    outage = Outage()
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(environment(Path(folder), free_ports()), Path(folder))
        try:
            stack.alertdrill("up")
            run_outage(stack, minutes, users, outage)
            alerts = alert_times(stack, outage)
            files, loki = compare(stack)
        finally:
            stack.alertdrill("down")
    console = Console()
    console.print(
        f"Loki was stopped for {minutes:g} min, the collector restarted half-way."
        f" Caught up in {outage.catch_up_s:.0f} s;"
        f" queue at most {max(outage.queue) / MIB:.1f} MiB,"
        f" collector at most {max(outage.memory):.0f} MiB in memory."
    )
    console.print(table(files, loki))
    console.print(alerts)
    for line in [*(ours(files) - ours(loki)), *(ours(loki) - ours(files))][:20]:
        console.print("differs:", line)
    sys.exit(0 if ours(files) == ours(loki) else 1)


def ours(lines: Counter[Line]) -> Counter[Line]:
    """Return the lines of the log contract, each of which must be stored once."""
    return Counter({line: count for line, count in lines.items() if line[1] != UNSTRUCTURED})


def table(files: Counter[Line], loki: Counter[Line]) -> Table:
    """Return a table of missing and duplicated lines, structured and unstructured.

    An unstructured line has no time of its own. If the collector is killed before it saves its
    position, it reads the line again and Loki stores it twice.
    """
    output = Table("Lines", "Files", "Loki", "Missing", "Duplicated", box=None, pad_edge=False)
    kinds = {"log contract": (ours(files), ours(loki))}
    kinds["unstructured"] = (files - kinds["log contract"][0], loki - kinds["log contract"][1])
    for name, (file_lines, loki_lines) in kinds.items():
        counts = (
            file_lines.total(),
            loki_lines.total(),
            (file_lines - loki_lines).total(),
            (loki_lines - file_lines).total(),
        )
        output.add_row(name, *(f"{count:,}" for count in counts))
    return output


if __name__ == "__main__":
    main()
