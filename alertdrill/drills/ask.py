"""Ask Prometheus, Loki and Alertmanager, over their HTTP APIs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import requests
import yaml

from ..section import UNITS
from . import expression, logql
from .errors import UnreachableError
from .expression import Comparison
from .outcome import Line

# A query of thirty days' history takes a second or two on a busy machine.
TIMEOUT = 10.0


@dataclass(frozen=True)
class Active:
    """One pending or firing alert of a rule; `since` is when it became pending."""

    state: str
    labels: Mapping[str, str]
    since: float
    value: str


@dataclass(frozen=True)
class RuleState:
    """A rule as its evaluator runs it. Durations in seconds."""

    query: str
    hold: float
    interval: float
    error: str
    alerts: Sequence[Active]


def get(url: str, **parameters: object) -> Any:
    """Return the JSON at an address; raise `UnreachableError` where it can't be had."""
    try:
        answer = requests.get(url, params=parameters, timeout=TIMEOUT)  # type: ignore[arg-type]
        answer.raise_for_status()
        return answer.json()
    except requests.HTTPError as error:
        said = error.response.text.strip()[:200]
        raise UnreachableError(f"{url} answers {error.response.status_code}: {said}") from error
    except (requests.RequestException, ValueError) as error:
        raise UnreachableError(f"{url} does not answer.") from error


class Evaluator:
    """What evaluates alert rules, at `url`; it is asked about them under `rules`."""

    name: str
    rules: str
    queries: str

    def __init__(self, url: str) -> None:
        self._url = url

    def branches(self, query: str) -> Sequence[Sequence[Comparison]]:
        """Return the comparisons of each side of an expression's `or`, in its language."""
        raise NotImplementedError

    def query(self, query: str) -> list[dict[str, Any]]:
        """Return an instant vector; a scalar counts as one sample without labels."""
        return self._vector(query=query)

    def query_at(self, query: str, when: float) -> list[dict[str, Any]]:
        """Return what `query` would have returned at a moment, in seconds since 1970."""
        return self._vector(query=query, time=f"{when:.3f}")

    def _vector(self, **asked: str) -> list[dict[str, Any]]:
        data = get(f"{self._url}{self.queries}/query", **asked)["data"]
        if data["resultType"] == "scalar":
            return [{"metric": {}, "value": data["result"]}]
        return list(data["result"])

    def lines(self, query: str, span: tuple[float, float], step: float) -> list[Line]:
        """Return what a query was over a span of time, a point each `step` seconds."""
        begin, end = span
        data = get(
            f"{self._url}{self.queries}/query_range", query=query, start=begin, end=end, step=step
        )["data"]
        return [
            Line(row["metric"], [(float(at), float(value)) for at, value in row["values"]])
            for row in data["result"]
        ]

    def rule(self, alert: str) -> RuleState | None:
        """Return an alert's rule, None where it is not loaded."""
        asked = {"type": "alert", "rule_name[]": alert}
        data = get(f"{self._url}{self.rules}/rules", **asked)["data"]
        for group in data["groups"] or ():
            for rule in group["rules"]:
                if rule["name"] == alert:  # Loki tells of all
                    return _state(rule, group)
        return None

    def firing(self) -> list[Mapping[str, str]]:
        """Return the labels of every alert that fires."""
        found = get(f"{self._url}{self.rules}/alerts")["data"]["alerts"]
        return [alert["labels"] for alert in found or () if alert["state"] == "firing"]


class Prometheus(Evaluator):
    """A running Prometheus at `url`."""

    name = "Prometheus"
    rules = queries = "/api/v1"

    def branches(self, query: str) -> Sequence[Sequence[Comparison]]:
        """Return the comparisons of each side of an expression's `or`."""
        return expression.branches(query)

    def value(self, promql: str) -> float | None:
        """Return the first sample's value, None for an empty answer."""
        found = self.query(promql)
        return float(found[0]["value"][1]) if found else None

    def scrape_interval(self) -> float:
        """Return the global scrape interval in seconds."""
        loaded = yaml.safe_load(get(f"{self._url}/api/v1/status/config")["data"]["yaml"])
        return duration(loaded["global"]["scrape_interval"])


class Ruler(Evaluator):
    """The ruler of a running Loki at `url`, which answers as Prometheus does."""

    name = "Loki"
    rules = "/prometheus/api/v1"
    queries = "/loki/api/v1"

    def branches(self, query: str) -> Sequence[Sequence[Comparison]]:
        """Return the comparisons of each side of an expression's `or`."""
        return logql.branches(query)


def _state(rule: Mapping[str, Any], group: Mapping[str, Any]) -> RuleState:
    return RuleState(
        query=rule["query"],
        hold=float(rule["duration"]),
        interval=float(group["interval"]),
        error=rule.get("lastError", ""),
        alerts=[_active(found) for found in rule["alerts"] or ()],
    )


def _active(found: Mapping[str, Any]) -> Active:
    return Active(found["state"], found["labels"], moment(found["activeAt"]), found["value"])


class Alertmanager:
    """A running Alertmanager at `url`."""

    def __init__(self, url: str) -> None:
        self._url = url

    def group_wait(self) -> float:
        """Return the default route's group wait in seconds."""
        loaded = yaml.safe_load(get(f"{self._url}/api/v2/status")["config"]["original"])
        return duration(loaded["route"]["group_wait"])

    def alerts(self, name: str) -> list[dict[str, Any]]:
        """Return what it holds of an alert, with receivers and status."""
        return list(get(f"{self._url}/api/v2/alerts", filter=f'alertname="{name}"'))


def moment(text: str) -> float:
    """Return a time as RFC 3339 writes it, in seconds since 1970."""
    return datetime.fromisoformat(text).timestamp()


def duration(text: str) -> float:
    """Return a duration as Prometheus writes it, such as 1m30s or 417ms, in seconds."""
    parts = re.findall(r"([0-9]+)(ms|[smhdwy])", text)
    units = {**UNITS, "w": 7 * UNITS["d"], "y": 365 * UNITS["d"]}
    return sum(int(count) * units[unit] for count, unit in parts)
