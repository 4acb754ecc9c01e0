"""The counters of the load balancer, and those of the services in Prometheus."""

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

# The load balancer responds within milliseconds.
TIMEOUT_S = 5.0
# A range starts this long before the first request, to include one earlier sample.
RANGE_MARGIN_S = 60.0
# HAProxy's proxies by hop (requests) and by service (retries).
REQUEST_COUNTERS = {HOPS[0]: ("frontend", "public"), HOPS[1]: ("frontend", "internal")}
RETRY_COUNTERS = {"web": ("backend", "web"), "data-service": ("backend", "data-service")}
SAMPLE = re.compile(r"^(haproxy_\w+)\{([^}]*)\} ([0-9.e+]+)$", re.MULTILINE)


# A range vector as Prometheus returns it: each row has `metric` and `values`.
SampleRows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class LbCounts:
    """The load balancer's counts since its start: requests by hop, retries by service."""

    requests: Mapping[str, int]
    retries: Mapping[str, int]

    def since(self, before: LbCounts) -> LbCounts:
        """Return the increase since earlier counts."""
        return LbCounts(
            {hop: count - before.requests[hop] for hop, count in self.requests.items()},
            {name: count - before.retries[name] for name, count in self.retries.items()},
        )


def fetch_lb_counts(url: str) -> LbCounts:
    """Return the load balancer's counts; raise `AuditError` if it does not respond."""
    try:
        with requests.Session() as session:
            session.trust_env = False  # no proxy of the host for the loopback
            answer = session.get(f"{url}/metrics", timeout=TIMEOUT_S)
            answer.raise_for_status()
    except requests.RequestException as error:
        raise AuditError(
            f"cannot read the load balancer's counts ({error}): check `alertdrill status`"
        ) from error
    return parse_lb_counts(answer.text)


def parse_lb_counts(text: str) -> LbCounts:
    """Parse HAProxy's metrics; raise `AuditError` if a counter is missing."""
    values = {(name, labels): int(float(value)) for name, labels, value in SAMPLE.findall(text)}

    def counter(kind: str, proxy: str, what: str) -> int:
        key = (f"haproxy_{kind}_{what}_total", f'proxy="{proxy}"')
        if key not in values:
            raise AuditError(f"the load balancer has no counter {key[0]} for {proxy}")
        return values[key]

    return LbCounts(
        {hop: counter(*where, "http_requests") for hop, where in REQUEST_COUNTERS.items()},
        {name: counter(*where, "retry_warnings") for name, where in RETRY_COUNTERS.items()},
    )


def count_served(prometheus: Prometheus, since: float) -> Mapping[str, int]:
    """Return each service's count of requests to /process since a time."""
    span = f"[{time.time() - since + RANGE_MARGIN_S:.0f}s]"
    starts = prometheus.query(f"process_start_time_seconds{span}")
    counts = {}
    for service in PATH_SERVICES:
        labels = f'service="{service}",url_rule="/process"'
        rows = prometheus.query(f"flask_http_request_duration_seconds_count{{{labels}}}{span}")
        counts[service] = counter_increase(rows, starts, since)
    return counts


def all_scraped_since(prometheus: Prometheus, moment: float) -> bool:
    """Return whether every ready instance was scraped after a time."""
    ours = "|".join(PATH_SERVICES)
    return prometheus.value(f'min(timestamp(up{{service=~"{ours}"}}))  > bool {moment}') == 1


def counter_increase(counters: SampleRows, starts: SampleRows, since: float) -> int:
    """Return the exact increase of counters since a time; `increase()` extrapolates.

    `starts` are the samples of process_start_time_seconds over the same range, which must start
    before `since`. A new start time means that the counter began at 0 again.
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
        # A falling value does not prove a restart: a restarted instance may exceed its old value
        # before the next scrape.
        if started.get((instance, moment)) != start:
            last, start = 0.0, started.get((instance, moment))
        total += float(text) - last if moment > since else 0
        last = float(text)
    return int(total)
