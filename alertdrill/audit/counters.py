"""The counters: the load balancer's own, and those of the services as Prometheus has them."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests

from ..drills.clients import Prometheus
from .access_lines import HOPS, PATH_SERVICES
from .errors import AuditError

# The load balancer answers within milliseconds.
TIMEOUT_S = 5.0
# How far before the beginning a range must reach to have one sample before it: some scrapes.
RANGE_MARGIN_S = 60.0
# Which of HAProxy's counters counts the requests of which hop, and those that it sent again.
REQUEST_COUNTERS = {HOPS[0]: ("frontend", "public"), HOPS[1]: ("frontend", "internal")}
RETRY_COUNTERS = {"web": ("backend", "web"), "data-service": ("backend", "data-service")}
SAMPLE = re.compile(r"^(haproxy_\w+)\{([^}]*)\} ([0-9.e+]+)$", re.MULTILINE)


# As Prometheus answers a query for a range: each row has `metric` and `values`.
SampleRows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class LbCounts:
    """What the load balancer has counted since it started: requests by hop, retries by service."""

    requests: Mapping[str, int]
    retries: Mapping[str, int]

    def since(self, before: LbCounts) -> LbCounts:
        """Return the growth since an earlier moment."""
        return LbCounts(
            {hop: count - before.requests[hop] for hop, count in self.requests.items()},
            {name: count - before.retries[name] for name, count in self.retries.items()},
        )


def fetch_lb_counts(url: str) -> LbCounts:
    """Ask the load balancer itself; raise `AuditError` where it does not say."""
    try:
        with requests.Session() as session:
            session.trust_env = False  # no proxy of the host for the loopback
            answer = session.get(f"{url}/metrics", timeout=TIMEOUT_S)
            answer.raise_for_status()
    except requests.RequestException as error:
        raise AuditError(f"The load balancer does not tell its counts ({error}).") from error
    return parse_lb_counts(answer.text)


def parse_lb_counts(text: str) -> LbCounts:
    """Read HAProxy's metrics; raise `AuditError` where a counter is not among them."""
    found = {(name, labels): int(float(value)) for name, labels, value in SAMPLE.findall(text)}

    def counter(kind: str, proxy: str, what: str) -> int:
        key = (f"haproxy_{kind}_{what}_total", f'proxy="{proxy}"')
        if key not in found:
            raise AuditError(f"The load balancer has no {key[0]} of {proxy}.")
        return found[key]

    return LbCounts(
        {hop: counter(*where, "http_requests") for hop, where in REQUEST_COUNTERS.items()},
        {name: counter(*where, "retry_warnings") for name, where in RETRY_COUNTERS.items()},
    )


def count_served(prometheus: Prometheus, since: float) -> Mapping[str, int]:
    """Return how many requests to /process each service has counted since a moment."""
    span = f"[{time.time() - since + RANGE_MARGIN_S:.0f}s]"
    starts = prometheus.query(f"process_start_time_seconds{span}")
    counts = {}
    for service in PATH_SERVICES:
        labels = f'service="{service}",url_rule="/process"'
        rows = prometheus.query(f"flask_http_request_duration_seconds_count{{{labels}}}{span}")
        counts[service] = counter_increase(rows, starts, since)
    return counts


def all_scraped_since(prometheus: Prometheus, moment: float) -> bool:
    """Tell whether all instances that serve were scraped after a moment."""
    ours = "|".join(PATH_SERVICES)
    return prometheus.value(f'min(timestamp(up{{service=~"{ours}"}}))  > bool {moment}') == 1


def counter_increase(counters: SampleRows, starts: SampleRows, since: float) -> int:
    """Add up what counters grew by since a moment: `increase()` extrapolates.

    `starts` are the samples of process_start_time_seconds over the same range. It must reach back
    to before `since`, where a counter existed then.
    """
    started = {
        (row["metric"].get("instance"), moment): start
        for row in starts
        for moment, start in row["values"]
    }
    return sum(_row_increase(row, started, since) for row in counters)


def _row_increase(
    row: Mapping[str, Any], started: Mapping[tuple[Any, float], str], since: float
) -> int:
    instance, total = row["metric"].get("instance"), 0.0
    last, start = 0.0, None
    for moment, text in row["values"]:
        # A counter begins at 0 with its process. That it fell does not tell: an instance that
        # stood by may count past its old value before it is scraped again.
        if started.get((instance, moment)) != start:
            last, start = 0.0, started.get((instance, moment))
        total += float(text) - last if moment > since else 0
        last = float(text)
    return int(total)
