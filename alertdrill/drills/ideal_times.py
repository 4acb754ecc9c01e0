"""The ideal times of a drill: how long a pipeline that loses no time takes to alert.

Each step waits for the next tick of an interval, so its wait is between 0 and one interval. No run
is faster than `fastest`, in which every wait is 0.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import promql_parser as promql
import yaml

from ..config import ROOT
from ..config.durations import parse_seconds
from .expression import LOKI_RULES, PROMETHEUS_RULES, branches, rule_groups
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


def ideal_times(drill: Drill, pipeline: Pipeline | None, speed: float) -> Mapping[str, IdealTime]:
    """Return the ideal seconds from the fault to `firing` and to `notified`.

    There is no time of a phase that comes only after the fault, or of another alert.
    """
    if pipeline is None or drill.expect.replacement_alert:
        return {}
    fastest, slowest = _crossing_time(drill, pipeline)
    # An alert fires at an evaluation.
    interval = pipeline.evaluations[-1]
    hold = math.ceil(round(pipeline.hold / interval, 6)) * interval
    slowest += pipeline.scrape + sum(pipeline.evaluations)
    times = {"firing": (fastest + pipeline.hold, slowest + hold)}
    if not drill.expect.notified_late:
        begin, end = times["firing"]
        times["notified"] = (begin + pipeline.group_wait, end + pipeline.group_wait)
    return {
        phase: _ideal_time(begin / speed, end / speed + drill.crossing.fixed_delay)
        for phase, (begin, end) in times.items()
    }


def _ideal_time(fastest: float, slowest: float) -> IdealTime:
    # Each wait is as likely to be short as to be long.
    return IdealTime(fastest, (fastest + slowest) / 2, slowest)


def _crossing_time(drill: Drill, pipeline: Pipeline) -> tuple[float, float]:
    """Return the shortest and the longest time until the expression is over its threshold."""
    if drill.crossing.during is None:
        return drill.crossing.fastest, drill.crossing.slowest
    time = crossing_share(drill, pipeline.expression) * _window(pipeline.expression)
    # The samples of a window are up to one scrape interval shorter than the window.
    return max(0.0, time - pipeline.scrape), time


def crossing_share(drill: Drill, expression: str) -> float:
    """Return the share of the window that must have the fault's level."""
    before, during = drill.crossing.before, drill.crossing.during
    assert during is not None
    return (float(branches("promql", expression)[0][0].right) - before) / (during - before)


def _window(expression: str) -> float:
    match = RANGE.search(branches("promql", expression)[0][0].left)
    assert match is not None
    return parse_seconds(match[1])


# The pipeline, from the configuration


def find_pipeline(alert: str) -> Pipeline | None:
    """Return the pipeline of an alert in our configuration; None for an unknown alert."""
    times = _read_yaml(ROOT / "prometheus" / "prometheus.yml")["global"]
    route = _read_yaml(ROOT / "alerting" / "alertmanager.yml")["route"]
    ruler = _read_yaml(ROOT / "loki" / "loki.yml")["ruler"]
    for folder, default in ((PROMETHEUS_RULES, times), (LOKI_RULES, ruler)):
        groups = {group["name"]: group for group in rule_groups(folder)}
        intervals = {
            name: parse_seconds(group.get("interval", default["evaluation_interval"]))
            for name, group in groups.items()
        }
        rules = [(name, rule) for name, group in groups.items() for rule in group["rules"]]
        for name, rule in rules:
            if rule.get("alert") != alert:
                continue
            is_metric = folder == PROMETHEUS_RULES
            carriers = (_carriers(rule["expr"], groups) if is_metric else None) or set()
            return Pipeline(
                expression=rule["expr"],
                scrape=parse_seconds(times["scrape_interval"]) if is_metric else 0.0,
                evaluations=[intervals[group] for group in (*sorted(carriers - {name}), name)],
                hold=parse_seconds(rule["for"]),
                group_wait=parse_seconds(route["group_wait"]),
            )
    return None


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
    if isinstance(node, promql.VectorSelector):
        if node.name and node.offset is None:
            yield node.name
        return
    children = [getattr(node, name, None) for name in ("expr", "lhs", "rhs", "vector_selector")]
    for child in (*children, *getattr(node, "args", ())):
        if child is not None:
            yield from _current_series(child)


def _read_yaml(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8"))
