"""The data sources, over their HTTP APIs."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import requests

from .answer import Answer, Cost, Line, Series
from .errors import AwayError, RefusedError
from .span import Span

# Grafana itself gives up after 30 s.
TIMEOUT = 30.0
NS = 10**9
MS = 1000
# As many lines as Grafana asks for where nobody says how many.
LINES = 1000

Labels = Mapping[str, str]


class DataSource(Protocol):
    """What a dashboard asks."""

    kind: str

    def instant(self, expr: str, at: int) -> Answer:
        """Return what a query is at a moment."""
        ...

    def ranged(self, expr: str, span: Span, step: int, lines: int = LINES) -> Answer:
        """Return what a query is over a span, a point each `step`, or its last `lines`."""
        ...

    def exemplars(self, expr: str, span: Span) -> Answer:
        """Return the requests that stand for what a query measures over a span."""
        ...

    def label_values(self, label: str, selector: str, span: Span) -> Sequence[str]:
        """Return the values of a label, of the series that a selector finds if it is not empty."""
        ...


class Api:
    """A server at `url` that answers as Prometheus does."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy of the host for the loopback

    def get(self, path: str, **asked: str) -> Any:
        """Return the data of an answer; raise `RefusedError` or `AwayError` instead of one."""
        try:
            answer = self._session.get(f"{self._url}{path}", params=asked, timeout=TIMEOUT)
        except requests.RequestException as error:
            raise AwayError(f"{self._url} does not answer: is the stack up?") from error
        if not answer.ok:
            raise RefusedError(_said(answer))
        return answer.json()["data"]


def _said(answer: requests.Response) -> str:
    """Return what a server says of an error: Prometheus in JSON, Loki plainly."""
    try:
        said = answer.json()["error"]
    except (ValueError, KeyError, TypeError):
        said = answer.text
    return f"{answer.status_code}: {str(said).strip()[:300]}"


class Prometheus:
    """A Prometheus."""

    kind = "prometheus"

    def __init__(self, url: str) -> None:
        self._api = Api(url)

    def instant(self, expr: str, at: int) -> Answer:
        """Return what a query is at a moment."""
        return self._ask("/api/v1/query", query=expr, time=_seconds(at))

    def ranged(self, expr: str, span: Span, step: int, lines: int = LINES) -> Answer:
        """Return what a query is over a span, at whole steps."""
        del lines  # it has none
        whole = span.aligned(step)
        ends = {"start": _seconds(whole.start), "end": _seconds(whole.end)}
        return self._ask("/api/v1/query_range", query=expr, step=_seconds(step), **ends)

    def label_values(self, label: str, selector: str, span: Span) -> Sequence[str]:
        """Return the values of a label."""
        asked = {"match[]": selector} if selector else {}
        ends = {"start": _seconds(span.start), "end": _seconds(span.end)}
        return list(self._api.get(f"/api/v1/label/{label}/values", **ends, **asked))

    def exemplars(self, expr: str, span: Span) -> Answer:
        """Return the requests that stand for what a query measures over a span."""
        began = time.monotonic()
        ends = {"start": _seconds(span.start), "end": _seconds(span.end)}
        found = self._api.get("/api/v1/query_exemplars", query=expr, **ends)
        series = [
            Series(one["labels"], [(float(one["timestamp"]), float(one["value"]))])
            for row in found
            for one in row["exemplars"]
        ]
        return Answer(series=series, cost=Cost(time.monotonic() - began))

    def config(self) -> str:
        """Return its configuration as YAML."""
        return str(self._api.get("/api/v1/status/config")["yaml"])

    def _ask(self, path: str, **asked: str) -> Answer:
        began = time.monotonic()
        data = self._api.get(path, stats="all", **asked)
        took = time.monotonic() - began
        samples = data.get("stats", {}).get("samples", {}).get("totalQueryableSamples", 0)
        return Answer(series=_series(data), cost=Cost(took, samples=samples))


class Loki:
    """A Loki, which has no exemplars."""

    kind = "loki"

    def __init__(self, url: str) -> None:
        self._api = Api(url)

    def instant(self, expr: str, at: int) -> Answer:
        """Return what a query is at a moment."""
        return self._ask("/loki/api/v1/query", query=expr, time=str(at * NS // MS))

    def ranged(self, expr: str, span: Span, step: int, lines: int = LINES) -> Answer:
        """Return the series, or the last lines, of a span."""
        ends = {"start": str(span.start * NS // MS), "end": str(span.end * NS // MS)}
        asked = {"step": f"{step}ms", "limit": str(lines), "direction": "backward"}
        return self._ask("/loki/api/v1/query_range", query=expr, **asked, **ends)

    def exemplars(self, expr: str, span: Span) -> Answer:
        """Return nothing."""
        del expr, span
        return Answer()

    def label_values(self, label: str, selector: str, span: Span) -> Sequence[str]:
        """Return the values of a label."""
        asked = {"query": selector} if selector else {}
        ends = {"start": str(span.start * NS // MS), "end": str(span.end * NS // MS)}
        return list(self._api.get(f"/loki/api/v1/label/{label}/values", **ends, **asked) or ())

    def _ask(self, path: str, **asked: str) -> Answer:
        began = time.monotonic()
        data = self._api.get(path, **asked)
        took = time.monotonic() - began
        size = data.get("stats", {}).get("summary", {}).get("totalBytesProcessed", 0)
        cost = Cost(took, size=size)
        if data["resultType"] == "streams":
            return Answer(lines=_lines(data["result"]), cost=cost)
        return Answer(series=_series(data), cost=cost)


def _series(data: Mapping[str, Any]) -> Sequence[Series]:
    if data["resultType"] == "scalar":
        return [Series({}, [_point(data["result"])])]
    return [
        Series(row["metric"], [_point(one) for one in row.get("values") or [row["value"]]])
        for row in data["result"]
    ]


def _point(pair: Sequence[Any]) -> tuple[float, float]:
    return float(pair[0]), float(pair[1])


def _lines(result: Sequence[Mapping[str, Any]]) -> Sequence[Line]:
    return [
        Line(stream["stream"], int(value[0]) / NS, value[1])
        for stream in result
        for value in stream["values"]
    ]


def _seconds(moment: int) -> str:
    return f"{moment / MS:.3f}"
