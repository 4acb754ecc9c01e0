"""Loki away under steady load, and the collector restarted meanwhile: is every line there, once?

And was it told that lines wait?

`.venv/bin/python -m tests.bench.outage --minutes 10` takes as long and a few minutes more.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click
import psutil
import requests
from rich.console import Console
from rich.table import Table

from alertdrill.drills.clients import Prometheus
from alertdrill.loki_client import LokiClient
from alertdrill.settings import ROOT
from tests.bench.written import FOREIGN, Line, found, written
from tests.e2e.log_pipeline import samples
from tests.e2e.stack import Stack, environment, free_ports, poll_until

# How often the collector is looked at.
STEP = 5.0
# Traffic before Loki goes and after it is back, so that lines of both times are compared too.
AROUND = 20.0
# A backlog of ten minutes is delivered in seconds; ten times what was seen.
PATIENCE = 300.0
# Half a line waits 5 s for its end, and a batch a second.
LAST = 30.0
MIB = 2**20
QUEUE = "otelcol_exporter_queue_size"
ALERTS = ("LogPipelineDown", "LogPipelineLagging")
# The rule's window, its `for`, and two evaluations.
CLEARS = 150.0


@dataclass
class Watched:
    """What the collector took, look by look (MiB in memory, bytes in its queue), and when."""

    memory: list[float] = field(default_factory=list)
    queue: list[float] = field(default_factory=list)
    # When Loki went and came back, in seconds since 1970, and how long it then took.
    gone: float = 0.0
    back: float = 0.0
    catching_up: float = 0.0

    def look(self, stack: Stack) -> None:
        """Note what it takes now; while it starts there is nothing to note."""
        pid = stack.instances()["collector-1"]["pid"]
        text = metrics(stack, "collector_metrics")
        if pid and text:
            self.memory.append(psutil.Process(pid).memory_info().rss / MIB)
            self.queue.append(sum(value for _, value in samples(text, QUEUE)))


def metrics(stack: Stack, part: str) -> str:
    """Return a part's page of metrics, empty where it does not answer."""
    try:
        return requests.get(stack.url(part, "/metrics"), timeout=2).text
    except requests.RequestException:
        return ""


@contextmanager
def load(stack: Stack, users: int) -> Iterator[None]:
    """Have normal clients ask through the load balancer."""
    command = [
        *(sys.executable, "-m", "locust", "-f", str(ROOT / "loadtests" / "locustfile.py")),
        *("--headless", "--users", str(users), "--host", stack.url("lb"), "--only-summary"),
    ]
    quiet = subprocess.DEVNULL
    made = subprocess.Popen(command, cwd=ROOT, env=dict(os.environ), stdout=quiet, stderr=quiet)
    try:
        yield
    finally:
        made.terminate()
        made.wait()


def watch(stack: Stack, watched: Watched, seconds: float) -> None:
    """Look at the collector for so long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        watched.look(stack)
        time.sleep(STEP)


def delivered(stack: Stack) -> bool:
    """Tell whether the collector runs and its queue is empty."""
    text = metrics(stack, "collector_metrics")
    return bool(text) and sum(value for _, value in samples(text, QUEUE)) == 0


def suffer(stack: Stack, minutes: float, users: int, watched: Watched) -> None:
    """Take Loki away, restart the collector half-way, and wait until all is well again."""
    with load(stack, users):
        watch(stack, watched, AROUND)
        watched.gone = time.time()
        stack.alertdrill("stop", "loki")
        watch(stack, watched, minutes * 30)
        stack.alertdrill("restart", "collector")
        watch(stack, watched, minutes * 30)
        stack.alertdrill("start", "loki")
        watched.back = time.time()
        poll_until(lambda: delivered(stack), "the queue to be empty", PATIENCE)
        watched.catching_up = time.time() - watched.back
        watch(stack, watched, AROUND)
        poll_until(lambda: not firing(stack, "ALERTS"), "the alerts to clear", CLEARS)


def firing(stack: Stack, series: str) -> dict[str, float]:
    """Return the value that an expression of `ALERTS` has for each alert of the pipeline."""
    chosen = f'ALERTS{{alertname=~"{"|".join(ALERTS)}",alertstate="firing"}}'
    query = f"max by (alertname) ({series.replace('ALERTS', chosen)})"
    found = Prometheus(stack.url("prometheus")).query(query)
    return {row["metric"]["alertname"]: float(row["value"][1]) for row in found}


def told(stack: Stack, watched: Watched) -> Table:
    """Show when each alert fired and cleared; exit 1 if one did not."""
    ago = f"[{time.time() - watched.gone:.0f}s:1s]"
    first = firing(stack, f"min_over_time(timestamp(ALERTS){ago})")
    last = firing(stack, f"max_over_time(timestamp(ALERTS){ago})")
    if missing := set(ALERTS) - set(first):
        sys.exit(f"{' and '.join(sorted(missing))} did not fire.")
    shown = Table("Alert", "Fired after", "Cleared after Loki's return", box=None, pad_edge=False)
    for alert in ALERTS:
        after, cleared = first[alert] - watched.gone, last[alert] - watched.back
        shown.add_row(alert, f"{after:.0f} s", f"{cleared:.0f} s")
    return shown


def compare(stack: Stack) -> tuple[Counter[Line], Counter[Line]]:
    """Return the lines of the files and of Loki up to now, once Loki has all that it will get."""
    now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    store, deadline = LokiClient(stack.url("loki")), time.monotonic() + LAST
    files = until(now, written(stack.home / "native" / "logs"))
    while True:
        loki = until(now, found(store))
        if not files - loki or time.monotonic() > deadline:
            break
        time.sleep(STEP)
    # Foreign lines have no time: those that came meanwhile are in the files too, once.
    later = until(now, written(stack.home / "native" / "logs")) - files
    return files + (later & loki), loki


def until(moment: str, lines: Counter[Line]) -> Counter[Line]:
    """Leave out lines of the log contract that are from later; foreign ones have no time."""
    kept = {line: count for line, count in lines.items() if line[1] == FOREIGN or line[1] < moment}
    return Counter(kept)


@click.command()
@click.option(
    "--minutes",
    default=10.0,
    show_default=True,
    help="How long Loki is away (5 or more).",
    type=click.FloatRange(5),
)
@click.option("--users", default=24, show_default=True, help="Clients, each asking once a second.")
def main(minutes: float, users: int) -> None:
    """Stop Loki, restart the collector half-way, start Loki, compare.

    Exit 1 on any difference, or where an alert of the pipeline did not fire.
    """
    watched = Watched()
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(environment(Path(folder), free_ports()), Path(folder))
        try:
            stack.alertdrill("up")
            suffer(stack, minutes, users, watched)
            alerts = told(stack, watched)
            files, loki = compare(stack)
        finally:
            stack.alertdrill("down")
    console = Console()
    console.print(
        f"Loki was away for {minutes:g} min, the collector restarted half-way."
        f" Caught up in {watched.catching_up:.0f} s;"
        f" queue at most {max(watched.queue) / MIB:.1f} MiB,"
        f" collector at most {max(watched.memory):.0f} MiB in memory."
    )
    console.print(table(files, loki))
    console.print(alerts)
    for line in [*(ours(files) - ours(loki)), *(ours(loki) - ours(files))][:20]:
        console.print("differs:", line)
    sys.exit(0 if ours(files) == ours(loki) else 1)


def ours(lines: Counter[Line]) -> Counter[Line]:
    """Return the lines of the log contract: those that must be there, each once."""
    return Counter({line: count for line, count in lines.items() if line[1] != FOREIGN})


def table(files: Counter[Line], loki: Counter[Line]) -> Table:
    """Show what is missing and doubled, of the log contract and of all others.

    A foreign line has no time of its own: read a second time, because the collector was killed
    before it noted its place, it is a second line.
    """
    shown = Table("Lines", "Files", "Loki", "Missing", "Doubled", box=None, pad_edge=False)
    kinds = {"log contract": (ours(files), ours(loki))}
    kinds["foreign"] = (files - kinds["log contract"][0], loki - kinds["log contract"][1])
    for name, (had, has) in kinds.items():
        counts = (had.total(), has.total(), (had - has).total(), (has - had).total())
        shown.add_row(name, *(f"{count:,}" for count in counts))
    return shown


if __name__ == "__main__":
    main()
