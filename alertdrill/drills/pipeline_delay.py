"""How late an alert pipeline is: the scrapes and evaluations that Prometheus or Loki missed.

The programs count them themselves, so the numbers are right even if they scrape nothing.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..clients.http import UnreachableError
from ..clients.prometheus import Evaluator, Prometheus

MISSED = "prometheus_rule_group_iterations_missed_total"
INTERVAL = "prometheus_rule_group_interval_seconds"
LAST = "prometheus_rule_group_last_evaluation_timestamp_seconds"
SCRAPE_COUNT = "prometheus_target_interval_length_seconds_count"
SCRAPE_SUM = "prometheus_target_interval_length_seconds_sum"
NAMES = (MISSED, INTERVAL, LAST, SCRAPE_COUNT, SCRAPE_SUM)
# Loki's ruler has Prometheus's metrics with this prefix.
LOKI_PREFIX = "loki_"
# A label with an interval has Go's format, such as 1m2.5s.
GO_DURATION = re.compile(r"([0-9.]+)(h|ms|m|s)")
GO_UNITS_S = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


@dataclass(frozen=True)
class PipelineCounts:
    """The counts of a pipeline at a time, in seconds since 1970.

    `missed`, `interval` and `last` have the missed evaluations of each rule group, its interval and
    its last evaluation in seconds. `scraped` is the time that all scrapes should have taken by
    their intervals, `took` the time that they took, both in seconds.
    """

    at: float
    missed: Mapping[str, float]
    interval: Mapping[str, float]
    last: Mapping[str, float]
    scraped: float = 0.0
    took: float = 0.0


@dataclass(frozen=True)
class PipelineDelay:
    """The seconds that a pipeline lost: by missing `scrapes`, and by missing `evaluations`."""

    scrapes: float
    evaluations: float

    @property
    def total(self) -> float:
        """Return the seconds by which an alert may be late."""
        return self.scrapes + self.evaluations

    def __str__(self) -> str:
        """Return a text such as `scrapes lost 3.1 s and rule evaluations 4.0 s`."""
        return f"scrapes lost {self.scrapes:.1f} s and rule evaluations {self.evaluations:.1f} s"


def read_counts(prometheus: Prometheus, evaluator: Evaluator) -> PipelineCounts | None:
    """Return the counts of a pipeline now; None if a component does not answer."""
    try:
        own = prometheus.own_metrics(NAMES)
        rules = own if evaluator is prometheus else evaluator.own_metrics(NAMES, LOKI_PREFIX)
    except UnreachableError:
        return None
    by_name: dict[str, dict[str, float]] = {name: {} for name in (MISSED, INTERVAL, LAST)}
    for name, labels, value in rules:
        if name in by_name:
            # The label is the rule file and the group's name.
            by_name[name][labels["rule_group"].rpartition(";")[2]] = value
    counts = {labels["interval"]: value for name, labels, value in own if name == SCRAPE_COUNT}
    return PipelineCounts(
        at=time.time(),
        missed=by_name[MISSED],
        interval=by_name[INTERVAL],
        last=by_name[LAST],
        scraped=sum(_parse_go(interval) * count for interval, count in counts.items()),
        took=sum(value for name, _, value in own if name == SCRAPE_SUM),
    )


def _parse_go(text: str) -> float:
    return sum(float(number) * GO_UNITS_S[unit] for number, unit in GO_DURATION.findall(text))


def delay(
    before: PipelineCounts, now: PipelineCounts, groups: Sequence[str], *, scraped: bool = True
) -> PipelineDelay:
    """Return what was lost between two counts, by the scrapes and by these rule groups. Pure.

    `scraped` is false for an alert on log lines, which no scrape delays.
    """
    lost = 0.0
    for group in groups:
        interval = now.interval.get(group, 0.0)
        missed = now.missed.get(group, 0.0) - before.missed.get(group, 0.0)
        # A group that is being evaluated late has not counted what it misses.
        waiting = now.at - max(now.last.get(group, now.at), before.at) - interval
        lost += max(0.0, missed) * interval + max(0.0, waiting)
    took = now.took - before.took
    share = 1 - (now.scraped - before.scraped) / took if took > 0 else 0.0
    return PipelineDelay(max(0.0, share) * (now.at - before.at) if scraped else 0.0, lost)
