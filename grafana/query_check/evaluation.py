"""Run queries, each distinct one only once, and evaluate their results and cost."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import yaml

from .dashboard_file import QueryCheckError
from .data_sources import Loki, Prometheus, QueryResult
from .queries import SCRAPE, PanelQuery, QueryRequest
from .times import milliseconds
from .variables import Sources

# A dashboard with twenty panels that refreshes every ten seconds must not wait for one of them.
MAX_SECONDS = 2.0
# Prometheus reads about ten million samples per second and core, and has one core.
MAX_SAMPLES = 20_000_000
# Loki reads some hundred megabytes per second and core, and has one core.
MAX_BYTES = 500_000_000
WINDOW = re.compile(r"\[([0-9a-z]+)(?::[0-9a-z]*)?\]")
OLDEST = "min(prometheus_tsdb_lowest_timestamp_seconds)"
MS_PER_S = 1000
State = Literal["fine", "empty", "skipped", "costly", "error"]
# In ascending severity.
SEVERITY_ORDER: tuple[State, ...] = ("fine", "skipped", "empty", "costly", "error")


@dataclass(frozen=True)
class Age:
    """The age of the oldest sample and the scrape interval, in milliseconds."""

    oldest: int
    scrape: int

    def share(self, window: int) -> float:
        """Return the share of a window's samples, compared with a full store."""
        now = min(window, self.oldest) / self.scrape
        return max(now / (window / SCRAPE["prometheus"]), 1e-6)


@dataclass(frozen=True)
class Verdict:
    """The state of a query, with a message."""

    state: State
    message: str = ""


class QueryRunner:
    """The data sources by uid, and a cache of their results."""

    def __init__(self, prometheus: str, loki: str | None) -> None:
        self._prometheus = Prometheus(prometheus)
        self.sources: Sources = {
            "prometheus": self._prometheus,
            "loki": Loki(loki) if loki else None,
        }
        self._results: dict[QueryRequest, QueryResult | QueryCheckError] = {}

    @property
    def sent(self) -> int:
        """The number of queries that were sent."""
        return len(self._results)

    def result(self, request: QueryRequest) -> QueryResult:
        """Return the result; raise `RejectedError` if the query fails."""
        if request not in self._results:
            self._results[request] = self._try(request)
        cached = self._results[request]
        if isinstance(cached, QueryCheckError):
            raise cached
        return cached

    def age(self, now: int) -> Age:
        """Return how much data the store has."""
        cached = self._prometheus.instant(OLDEST, now).series
        # Without the metric the age is unknown, and the store is assumed to be full.
        oldest = now - round(cached[0].points[0][1] * MS_PER_S) if cached else now
        loaded: Mapping[str, Mapping[str, str]] = yaml.safe_load(self._prometheus.config())
        interval = loaded.get("global", {}).get("scrape_interval", f"{SCRAPE['prometheus']}ms")
        return Age(max(oldest, 1), milliseconds(interval))

    def _try(self, request: QueryRequest) -> QueryResult | QueryCheckError:
        try:
            first = self._request(request)
            # On a busy machine a single measurement is unreliable.
            return self._request(request) if first.seconds > MAX_SECONDS else first
        except QueryCheckError as error:
            return error

    def _request(self, request: QueryRequest) -> QueryResult:
        source = self.sources[request.source]
        assert source is not None
        if request.kind == "range":
            return source.range(request.expr, request.time_range, request.step, request.lines)
        if request.kind == "exemplars":
            return self._prometheus.exemplars(request.expr, request.time_range)
        return source.instant(request.expr, request.time_range.end)


def evaluate(panel_query: PanelQuery, runner: QueryRunner, age: Age) -> Verdict:
    """Return the verdict on a query; an empty result counts as empty even if it is expected."""
    request = panel_query.request
    if request is None:
        return Verdict("skipped" if panel_query.skipped else "error", panel_query.problem)
    try:
        result = runner.result(request)
        # Each step costs as much as the last one.
        at_end = replace(request, kind="instant", step=0)
        counts_samples = request.source == "prometheus" and request.kind != "exemplars"
        last = runner.result(at_end) if counts_samples else QueryResult()
    except QueryCheckError as error:
        return Verdict("error", str(error))
    if message := cost_error(request, result, last, age):
        return Verdict("costly", message)
    return Verdict("empty", "It has no data.") if result.empty else Verdict("fine")


def cost_error(request: QueryRequest, result: QueryResult, last: QueryResult, age: Age) -> str:
    """Return a message if the cost, extrapolated to full stores, is too high, else an empty text.

    `last` is the result of a Prometheus query at the end of the range.
    """
    whole_samples, whole_size = samples(request, last, age), size(request, result, age)
    if result.seconds > MAX_SECONDS:
        return f"It took {result.seconds:.1f} s; the maximum is {MAX_SECONDS:.0f} s."
    if whole_samples > MAX_SAMPLES:
        return (
            f"It reads {whole_samples:,} samples of a full store; the maximum is {MAX_SAMPLES:,}."
        )
    if whole_size > MAX_BYTES:
        return f"It reads {whole_size:,} bytes of a full store; the maximum is {MAX_BYTES:,}."
    return ""


def samples(request: QueryRequest, last: QueryResult, age: Age) -> int:
    """Return the number of samples that a query reads once the store is full.

    Each step costs as much as the last one, or more if a window starts before the store's oldest
    sample.
    """
    count = request.time_range.width // request.step + 1 if request.kind == "range" else 1
    return round(last.samples * count / min(1.0, age.share(longest_window(request.expr))))


def size(request: QueryRequest, result: QueryResult, age: Age) -> int:
    """Return the bytes that a Loki query reads once lines cover the whole range."""
    width = max(request.time_range.width, longest_window(request.expr))
    return round(result.size * max(1.0, width / max(age.oldest, 1)))


def longest_window(expr: str) -> int:
    """Return the longest window of a query; the scrape interval if it has none."""
    windows = [milliseconds(text) for text in WINDOW.findall(expr)]
    return max([*windows, SCRAPE["prometheus"]])
