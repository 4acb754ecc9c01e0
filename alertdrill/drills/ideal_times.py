"""The ideal times of a drill: how long a pipeline that loses no time takes to alert.

Each step waits for the next tick of an interval, so its wait is between 0 and one interval. No run
is faster than `fastest`, in which every wait is 0.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import promql_parser as promql
import yaml

from ..config import ROOT
from ..config.durations import parse_seconds
from .expression import (
    LOKI_RULES,
    PROMETHEUS_RULES,
    Comparison,
    branches,
    children,
    is_log_alert,
    rule_groups,
)
from .model import Drill
from .result import IdealTime

RANGE = re.compile(r"\[([0-9a-z]+)\]")


@dataclass(frozen=True)
class Pipeline:
    """The intervals and waits from a service's metrics to a notification, at speed 1, in seconds.

    `scrape` is 0 for log lines. `evaluations` has the interval of every rule group whose results
    the alert needs, the alert's own last. `hold` is the rule's `for`.
    """

    expression: str
    scrape: float
    evaluations: Sequence[float]
    hold: float
    group_wait: float
    # The names of these rule groups.
    groups: Sequence[str] = ()


def ideal_times(drill: Drill, pipeline: Pipeline | None, speed: float) -> Mapping[str, IdealTime]:
    """Return the ideal seconds from the fault to `firing` and to `notified`.

    There is no time of a phase that comes only after the fault, or of another alert.
    """
    if pipeline is None or drill.expect.replacement_alert:
        return {}
    fastest, slowest = drill.crossing.fastest, drill.crossing.slowest
    if drill.crossing.during is not None:
        window = RANGE.search(_comparison(pipeline.expression).left)
        assert window is not None
        slowest = crossing_share(drill, pipeline.expression) * parse_seconds(window[1])
        # The samples of a window are up to one scrape interval shorter than the window.
        fastest = max(0.0, slowest - pipeline.scrape)
    # An alert fires at an evaluation.
    interval = pipeline.evaluations[-1]
    hold = math.ceil(round(pipeline.hold / interval, 6)) * interval
    begin = fastest + pipeline.hold
    end = slowest + pipeline.scrape + sum(pipeline.evaluations) + hold
    waits = {"firing": 0.0, "notified": pipeline.group_wait}
    if drill.expect.notified == "late":
        del waits["notified"]
    times = {}
    for phase, wait in waits.items():
        first, last = (begin + wait) / speed, (end + wait) / speed + drill.crossing.fixed_delay
        # Each wait is as likely to be short as to be long.
        times[phase] = IdealTime(first, (first + last) / 2, last)
    return times


def crossing_share(drill: Drill, expression: str) -> float:
    """Return the share of the window that must have the fault's level."""
    before, during = drill.crossing.before, drill.crossing.during
    assert during is not None
    return (float(_comparison(expression).right) - before) / (during - before)


def _comparison(expression: str) -> Comparison:
    return branches("promql", expression)[0][0]


# The pipeline, from the configuration


def find_pipeline(alert: str) -> Pipeline | None:
    """Return the pipeline of an alert in our configuration; None for an unknown alert."""
    times = _read_yaml("prometheus/prometheus.yml")["global"]
    route = _read_yaml("alerting/alertmanager.yml")["route"]
    scraped = not is_log_alert(alert)
    folder = PROMETHEUS_RULES if scraped else LOKI_RULES
    default = times if scraped else _read_yaml("loki/loki.yml")["ruler"]
    groups = {group["name"]: group for group in rule_groups(folder)}
    rules = {
        rule.get("alert"): (name, rule) for name, group in groups.items() for rule in group["rules"]
    }
    if alert not in rules:
        return None
    own, rule = rules[alert]
    carriers = (_carriers(rule["expr"], groups) if scraped else None) or set()
    names = (*sorted(carriers - {own}), own)
    return Pipeline(
        expression=rule["expr"],
        scrape=parse_seconds(times["scrape_interval"]) if scraped else 0.0,
        evaluations=[
            parse_seconds(groups[name].get("interval", default["evaluation_interval"]))
            for name in names
        ],
        hold=parse_seconds(rule["for"]),
        group_wait=parse_seconds(route["group_wait"]),
        groups=names,
    )


def _carriers(expression: str, groups: Mapping[str, Any]) -> set[str] | None:
    """Return the groups whose recorded series bring a fault from the metrics to an expression.

    Return None if the expression has no scraped series, directly or in recorded ones.
    """
    carriers: set[str] | None = None
    for series in _current_series(promql.parse(expression)):
        sources = [
            (name, rule["expr"])
            for name, group in groups.items()
            for rule in group["rules"]
            if rule.get("record") == series
        ]
        if not sources:
            carriers = carriers or set()
        for name, recorded in sources:
            inner = _carriers(recorded, groups)
            if inner is not None:
                carriers = (carriers or set()) | {name} | inner
    return carriers


def _current_series(node: Any) -> Iterator[str]:
    """Yield the name of every series without an offset, whose past no fault changes."""
    if not isinstance(node, promql.VectorSelector):
        for child in children(node):
            yield from _current_series(child)
    elif node.name and node.offset is None:
        yield node.name


def _read_yaml(file: str) -> Any:
    return yaml.safe_load((ROOT / file).read_text(encoding="utf-8"))
