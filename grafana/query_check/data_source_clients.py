"""The data sources, over their HTTP APIs."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import requests

from .errors import RejectedError, UnavailableError
from .results import Cost, Line, QueryResult, Series
from .time_range import TimeRange

# Grafana itself gives up after 30 s.
TIMEOUT = 30.0
NS_PER_S = 10**9
MS_PER_S = 1000
# Grafana's default for the number of lines.
LINES = 1000

Labels = Mapping[str, str]


class DataSource(Protocol):
    """A data source of a dashboard."""

    kind: str

    def instant(self, expr: str, at: int) -> QueryResult:
        """Return the result of a query at a time."""
        ...

    def range(self, expr: str, time_range: TimeRange, step: int, lines: int = LINES) -> QueryResult:
        """Return the result of a query over a range, with a point per `step`."""
        ...

    def exemplars(self, expr: str, time_range: TimeRange) -> QueryResult:
        """Return the exemplars of a query over a range."""
        ...

    def label_values(self, label: str, selector: str, time_range: TimeRange) -> Sequence[str]:
        """Return the values of a label, of the series that a non-empty selector matches."""
        ...


class Api:
    """An HTTP API with Prometheus's response format."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy for loopback addresses

    def get(self, path: str, **params: str) -> Any:
        """Return the data of a response; raise `RejectedError` or `UnavailableError`."""
        try:
            response = self._session.get(f"{self._url}{path}", params=params, timeout=TIMEOUT)
        except requests.RequestException as error:
            raise UnavailableError(f"{self._url} does not answer: is the stack up?") from error
        if not response.ok:
            raise RejectedError(_error_message(response))
        return response.json()["data"]


def _error_message(response: requests.Response) -> str:
    """Return the message of an error: Prometheus sends JSON, Loki plain text."""
    try:
        message = response.json()["error"]
    except (ValueError, KeyError, TypeError):
        message = response.text
    return f"{response.status_code}: {str(message).strip()[:300]}"


class Prometheus:
    """A Prometheus."""

    kind = "prometheus"

    def __init__(self, url: str) -> None:
        self._api = Api(url)

    def instant(self, expr: str, at: int) -> QueryResult:
        """Return the result of a query at a time."""
        return self._query("/api/v1/query", query=expr, time=_seconds(at))

    def range(self, expr: str, time_range: TimeRange, step: int, lines: int = LINES) -> QueryResult:
        """Return the result of a query over a range, aligned to steps."""
        del lines  # Prometheus has no lines
        whole = time_range.aligned(step)
        ends = {"start": _seconds(whole.start), "end": _seconds(whole.end)}
        return self._query("/api/v1/query_range", query=expr, step=_seconds(step), **ends)

    def label_values(self, label: str, selector: str, time_range: TimeRange) -> Sequence[str]:
        """Return the values of a label."""
        params = {"match[]": selector} if selector else {}
        ends = {"start": _seconds(time_range.start), "end": _seconds(time_range.end)}
        return list(self._api.get(f"/api/v1/label/{label}/values", **ends, **params))

    def exemplars(self, expr: str, time_range: TimeRange) -> QueryResult:
        """Return the exemplars of a query over a range."""
        began = time.monotonic()
        ends = {"start": _seconds(time_range.start), "end": _seconds(time_range.end)}
        rows = self._api.get("/api/v1/query_exemplars", query=expr, **ends)
        series = [
            Series(item["labels"], [(float(item["timestamp"]), float(item["value"]))])
            for row in rows
            for item in row["exemplars"]
        ]
        return QueryResult(series=series, cost=Cost(time.monotonic() - began))

    def config(self) -> str:
        """Return its configuration as YAML."""
        return str(self._api.get("/api/v1/status/config")["yaml"])

    def _query(self, path: str, **params: str) -> QueryResult:
        began = time.monotonic()
        data = self._api.get(path, stats="all", **params)
        took = time.monotonic() - began
        samples = data.get("stats", {}).get("samples", {}).get("totalQueryableSamples", 0)
        return QueryResult(series=_series(data), cost=Cost(took, samples=samples))


class Loki:
    """A Loki; it has no exemplars."""

    kind = "loki"

    def __init__(self, url: str) -> None:
        self._api = Api(url)

    def instant(self, expr: str, at: int) -> QueryResult:
        """Return the result of a query at a time."""
        return self._query("/loki/api/v1/query", query=expr, time=str(at * NS_PER_S // MS_PER_S))

    def range(self, expr: str, time_range: TimeRange, step: int, lines: int = LINES) -> QueryResult:
        """Return the series, or the last lines, of a range."""
        ends = {
            "start": str(time_range.start * NS_PER_S // MS_PER_S),
            "end": str(time_range.end * NS_PER_S // MS_PER_S),
        }
        params = {"step": f"{step}ms", "limit": str(lines), "direction": "backward"}
        return self._query("/loki/api/v1/query_range", query=expr, **params, **ends)

    def exemplars(self, expr: str, time_range: TimeRange) -> QueryResult:
        """Return an empty result."""
        del expr, time_range
        return QueryResult()

    def label_values(self, label: str, selector: str, time_range: TimeRange) -> Sequence[str]:
        """Return the values of a label."""
        params = {"query": selector} if selector else {}
        ends = {
            "start": str(time_range.start * NS_PER_S // MS_PER_S),
            "end": str(time_range.end * NS_PER_S // MS_PER_S),
        }
        return list(self._api.get(f"/loki/api/v1/label/{label}/values", **ends, **params) or ())

    def _query(self, path: str, **params: str) -> QueryResult:
        began = time.monotonic()
        data = self._api.get(path, **params)
        took = time.monotonic() - began
        size = data.get("stats", {}).get("summary", {}).get("totalBytesProcessed", 0)
        cost = Cost(took, size=size)
        if data["resultType"] == "streams":
            return QueryResult(lines=_lines(data["result"]), cost=cost)
        return QueryResult(series=_series(data), cost=cost)


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


def _seconds(context: int) -> str:
    return f"{context / MS_PER_S:.3f}"
