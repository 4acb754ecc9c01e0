"""The data sources, over their HTTP APIs, and the results of their queries."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests

from .dashboard_file import QueryCheckError
from .times import TimeRange

# Grafana itself gives up after 30 s.
TIMEOUT = 30.0
NS_PER_S = 10**9
NS_PER_MS = 10**6
MS_PER_S = 1000
# Grafana's default for the number of lines.
LINES = 1000


class UnavailableError(QueryCheckError):
    """A data source does not answer."""


class RejectedError(QueryCheckError):
    """A data source rejected a query; the message is its own."""


@dataclass(frozen=True)
class Series:
    """The points of one series: seconds since 1970, and values."""

    labels: Mapping[str, str]
    points: Sequence[tuple[float, float]]

    @property
    def has_data(self) -> bool:
        """Whether it has a value that can be drawn: neither NaN nor infinity."""
        return any(math.isfinite(value) for _, value in self.points)


@dataclass(frozen=True)
class Line:
    """One log line, `at` in seconds since 1970."""

    labels: Mapping[str, str]
    at: float
    text: str


@dataclass(frozen=True)
class QueryResult:
    """Series, or log lines, and the cost: the duration, and the samples or bytes that were read."""

    series: Sequence[Series] = ()
    lines: Sequence[Line] = ()
    seconds: float = 0.0
    samples: int = 0
    size: int = 0

    @property
    def empty(self) -> bool:
        """Whether a panel would show nothing."""
        return not self.lines and not any(series.has_data for series in self.series)


class DataSource(ABC):
    """A data source of a dashboard; its methods raise `RejectedError` or `UnavailableError`."""

    kind: str
    path: str
    # The name of the parameter with the selector of label values.
    selector: str

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy for loopback addresses

    @abstractmethod
    def format_time(self, at: int) -> str:
        """Return a time (ms) as its API expects it."""

    @abstractmethod
    def range(self, expr: str, time_range: TimeRange, step: int, lines: int = LINES) -> QueryResult:
        """Return the result of a query over a range, with a point per `step`."""

    def instant(self, expr: str, at: int) -> QueryResult:
        """Return the result of a query at a time."""
        return self.query("query", query=expr, time=self.format_time(at))

    def label_values(self, label: str, selector: str, time_range: TimeRange) -> Sequence[str]:
        """Return the values of a label, of the series that a non-empty selector matches."""
        params = {self.selector: selector} if selector else {}
        ends = self.ends(time_range)
        return list(self.get(f"{self.path}/label/{label}/values", **ends, **params) or ())

    def ends(self, time_range: TimeRange) -> Mapping[str, str]:
        """Return the parameters of a time range."""
        return {
            "start": self.format_time(time_range.start),
            "end": self.format_time(time_range.end),
        }

    def query(self, path: str, **params: str) -> QueryResult:
        """Return the result of a query, with its cost."""
        began = time.monotonic()
        data = self.get(f"{self.path}/{path}", **params)
        took = time.monotonic() - began
        stats = data.get("stats", {})
        return QueryResult(
            series=[] if data["resultType"] == "streams" else _series(data),
            lines=_lines(data["result"]) if data["resultType"] == "streams" else [],
            seconds=took,
            samples=stats.get("samples", {}).get("totalQueryableSamples", 0),
            size=stats.get("summary", {}).get("totalBytesProcessed", 0),
        )

    def get(self, path: str, **params: str) -> Any:
        """Return the data of a response."""
        try:
            response = self._session.get(f"{self._url}{path}", params=params, timeout=TIMEOUT)
        except requests.RequestException as error:
            raise UnavailableError(f"{self._url} does not answer: is the stack up?") from error
        if not response.ok:
            raise RejectedError(_error_message(response))
        return response.json()["data"]


class Prometheus(DataSource):
    """A Prometheus; it has no lines."""

    kind = "prometheus"
    path = "/api/v1"
    selector = "match[]"

    def format_time(self, at: int) -> str:
        """Return a time in seconds."""
        return f"{at / MS_PER_S:.3f}"

    def instant(self, expr: str, at: int) -> QueryResult:
        """Return the result of a query at a time."""
        return self.query("query", query=expr, time=self.format_time(at), stats="all")

    def range(self, expr: str, time_range: TimeRange, step: int, lines: int = LINES) -> QueryResult:
        """Return the result of a query over a range, aligned to steps."""
        del lines
        ends = self.ends(time_range.aligned(step))
        params = {"step": self.format_time(step), "stats": "all"}
        return self.query("query_range", query=expr, **params, **ends)

    def exemplars(self, expr: str, time_range: TimeRange) -> QueryResult:
        """Return the exemplars of a query over a range."""
        began = time.monotonic()
        rows = self.get(f"{self.path}/query_exemplars", query=expr, **self.ends(time_range))
        series = [
            Series(item["labels"], [(float(item["timestamp"]), float(item["value"]))])
            for row in rows
            for item in row["exemplars"]
        ]
        return QueryResult(series, seconds=time.monotonic() - began)

    def config(self) -> str:
        """Return its configuration as YAML."""
        return str(self.get(f"{self.path}/status/config")["yaml"])


class Loki(DataSource):
    """A Loki."""

    kind = "loki"
    path = "/loki/api/v1"
    selector = "query"

    def format_time(self, at: int) -> str:
        """Return a time in nanoseconds."""
        return str(at * NS_PER_MS)

    def range(self, expr: str, time_range: TimeRange, step: int, lines: int = LINES) -> QueryResult:
        """Return the series, or the last lines, of a range."""
        params = {"step": f"{step}ms", "limit": str(lines), "direction": "backward"}
        return self.query("query_range", query=expr, **params, **self.ends(time_range))


def _error_message(response: requests.Response) -> str:
    """Return the message of an error: Prometheus sends JSON, Loki plain text."""
    try:
        message = response.json()["error"]
    except (ValueError, KeyError, TypeError):
        message = response.text
    return f"{response.status_code}: {str(message).strip()[:300]}"


def _series(data: Mapping[str, Any]) -> Sequence[Series]:
    if data["resultType"] == "scalar":
        return [Series({}, [_point(data["result"])])]
    return [
        Series(row["metric"], [_point(item) for item in row.get("values") or [row["value"]]])
        for row in data["result"]
    ]


def _point(pair: Sequence[Any]) -> tuple[float, float]:
    return float(pair[0]), float(pair[1])


def _lines(result: Sequence[Mapping[str, Any]]) -> Sequence[Line]:
    return [
        Line(stream["stream"], int(value[0]) / NS_PER_S, value[1])
        for stream in result
        for value in stream["values"]
    ]
