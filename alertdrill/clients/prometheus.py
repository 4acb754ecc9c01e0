"""Clients of Prometheus, and of other programs that evaluate rules with its API.

Every method raises `UnreachableError` if the program does not answer, or refuses.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import yaml

from ..config.durations import parse_seconds
from .http import get_json, request

# A range starts this long before the first request, to include one earlier sample.
RANGE_MARGIN_S = 60.0
# A line of a page of metrics, and a label in it.
SAMPLE = re.compile(r"(?P<name>[a-z]\w*)(\{(?P<labels>.*)\})? (?P<value>\S+)")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
# Rows with `metric` and `values`, as Prometheus returns them.
RangeVector = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Line:
    """A time series: its labels, and (seconds since 1970, value) pairs, oldest first."""

    labels: Mapping[str, str]
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class ActiveAlert:
    """One pending or firing alert of a rule; `active_at` is when it became pending."""

    state: str
    labels: Mapping[str, str]
    active_at: float


@dataclass(frozen=True)
class RuleState:
    """A rule as its evaluator runs it. Durations are in seconds."""

    query: str
    hold: float
    error: str
    alerts: Sequence[ActiveAlert]


class Evaluator:
    """A program that evaluates alert rules in a `language`, at `url`."""

    name: str
    language: Literal["promql", "logql"]
    rules_path: str
    query_path: str

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def query(self, query: str, at: float | None = None) -> list[dict[str, Any]]:
        """Return an instant vector; a scalar counts as one sample without labels.

        `at` is a time in seconds since 1970, and now by default.
        """
        parameters = {"query": query} | ({} if at is None else {"time": f"{at:.3f}"})
        data = get_json(f"{self._url}{self.query_path}/query", parameters)["data"]
        if data["resultType"] == "scalar":
            return [{"metric": {}, "value": data["result"]}]
        return list(data["result"])

    def query_range(self, query: str, span: tuple[float, float], step: float) -> list[Line]:
        """Return a query's values over a span of time, one point every `step` seconds."""
        start, end = span
        parameters = {"query": query, "start": str(start), "end": str(end), "step": str(step)}
        data = get_json(f"{self._url}{self.query_path}/query_range", parameters)["data"]
        return [
            Line(row["metric"], [(float(at), float(value)) for at, value in row["values"]])
            for row in data["result"]
        ]

    def rule(self, alert: str) -> RuleState | None:
        """Return an alert's rule, or None if it is not loaded."""
        parameters = {"type": "alert", "rule_name[]": alert}
        data = get_json(f"{self._url}{self.rules_path}/rules", parameters)["data"]
        for group in data["groups"] or ():
            for rule in group["rules"]:
                if rule["name"] == alert:  # Loki ignores the parameters and lists all rules
                    active = [
                        ActiveAlert(row["state"], row["labels"], parse_time(row["activeAt"]))
                        for row in rule["alerts"] or ()
                    ]
                    hold, error = float(rule["duration"]), rule.get("lastError", "")
                    return RuleState(rule["query"], hold, error, active)
        return None

    def own_metrics(
        self, names: Sequence[str], prefix: str = ""
    ) -> list[tuple[str, Mapping[str, str], float]]:
        """Return the program's own metrics of these names, as (name, labels, value).

        `prefix` is what the program writes before the names.
        """
        text = request("GET", f"{self._url}/metrics").text
        samples = filter(None, map(SAMPLE.match, text.splitlines()))
        return [
            (name, dict(LABEL.findall(sample["labels"] or "")), float(sample["value"]))
            for sample in samples
            if (name := sample["name"].removeprefix(prefix)) in names
        ]

    def firing_alerts(self) -> list[Mapping[str, str]]:
        """Return the labels of every alert that fires."""
        alerts = get_json(f"{self._url}{self.rules_path}/alerts")["data"]["alerts"]
        return [alert["labels"] for alert in alerts or () if alert["state"] == "firing"]


class Prometheus(Evaluator):
    """A running Prometheus at `url`."""

    name = "Prometheus"
    language = "promql"
    rules_path = query_path = "/api/v1"

    def value(self, promql: str) -> float | None:
        """Return the first sample's value, or None if the result is empty."""
        samples = self.query(promql)
        return float(samples[0]["value"][1]) if samples else None

    def exact_increase(self, counter: str, starts: str, since: float) -> int:
        """Return the increase of counters since a time; PromQL's `increase()` extrapolates.

        `starts` selects the start times of the processes that count.
        """
        window = f"[{time.time() - since + RANGE_MARGIN_S:.0f}s]"
        return counter_increase(self.query(counter + window), self.query(starts + window), since)

    def not_scraped_since(self, services: Iterable[str], moment: float) -> Sequence[str]:
        """Return the targets of these services that were not scraped after a time, by instance.

        Series of earlier targets may be a few minutes old.
        """
        answer = get_json(f"{self._url}/api/v1/targets", {"state": "active"})
        labels = [target["labels"] for target in answer["data"]["activeTargets"]]
        names = list(services)
        targets = {item["instance"] for item in labels if item.get("service") in names}
        fresh = self.query(f'timestamp(up{{service=~"{"|".join(names)}"}}) > {moment}')
        return sorted(targets - {row["metric"]["instance"] for row in fresh})

    def scrape_interval(self) -> float:
        """Return the global scrape interval in seconds."""
        config = yaml.safe_load(get_json(f"{self._url}/api/v1/status/config")["data"]["yaml"])
        return parse_seconds(config["global"]["scrape_interval"])


def parse_time(text: str) -> float:
    """Return a time in RFC 3339 format as seconds since 1970."""
    return datetime.fromisoformat(text).timestamp()


def counter_increase(counters: RangeVector, starts: RangeVector, since: float) -> int:
    """Return the exact increase of counters since a time.

    `starts` are the samples of process_start_time_seconds over the same range, which must start
    before `since`. A new start time means that the counter began at 0 again.
    """
    started = {
        (row["metric"].get("instance"), moment): start
        for row in starts
        for moment, start in row["values"]
    }
    total = 0
    for row in counters:
        instance, increase, last, start = row["metric"].get("instance"), 0.0, 0.0, None
        for moment, text in row["values"]:
            # A falling value does not prove a restart: a restarted instance may exceed its old
            # value before the next scrape.
            if started.get((instance, moment)) != start:
                last, start = 0.0, started.get((instance, moment))
            increase += float(text) - last if moment > since else 0
            last = float(text)
        total += int(increase)
    return total
