"""Run queries, each distinct one only once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import yaml

from .cost import MAX_SECONDS, Age
from .data_source_clients import Loki, Prometheus
from .durations import milliseconds
from .errors import QueryCheckError
from .panel_queries import SCRAPE, QueryRequest
from .results import QueryResult
from .variable_values import Sources

OLDEST = "min(prometheus_tsdb_lowest_timestamp_seconds)"
MS_PER_S = 1000


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

    def last(self, request: QueryRequest) -> QueryResult:
        """Return the result of a query at the end of its time range."""
        return self.result(replace(request, kind="instant", step=0))

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
            return self._request(request) if first.cost.seconds > MAX_SECONDS else first
        except QueryCheckError as error:
            return error

    def _request(self, request: QueryRequest) -> QueryResult:
        source = self.sources[request.source]
        assert source is not None
        if request.kind == "range":
            return source.range(request.expr, request.time_range, request.step, request.lines)
        if request.kind == "exemplars":
            return source.exemplars(request.expr, request.time_range)
        return source.instant(request.expr, request.time_range.end)
