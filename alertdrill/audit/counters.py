"""The counters: the load balancer's own, and those of the services as Prometheus has them."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

import requests

from ..drills.clients import Prometheus
from .chain import CHAIN
from .errors import AuditError
from .growth import growth
from .lines import HOPS

# The load balancer answers within milliseconds.
TIMEOUT = 5.0
# How far before the beginning a range must reach to have one sample before it: some scrapes.
BEFORE = 60.0
# Which of HAProxy's counters counts the requests of which hop, and those that it sent again.
REQUESTS = {HOPS[0]: ("frontend", "public"), HOPS[1]: ("frontend", "internal")}
RETRIES = {"web": ("backend", "web"), "data-service": ("backend", "data-service")}
SAMPLE = re.compile(r"^(haproxy_\w+)\{([^}]*)\} ([0-9.e+]+)$", re.MULTILINE)


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


def lb_counts(url: str) -> LbCounts:
    """Ask the load balancer itself; raise `AuditError` where it does not say."""
    try:
        with requests.Session() as session:
            session.trust_env = False  # no proxy of the host for the loopback
            answer = session.get(f"{url}/metrics", timeout=TIMEOUT)
            answer.raise_for_status()
    except requests.RequestException as error:
        raise AuditError(f"The load balancer does not tell its counts ({error}).") from error
    return read_lb(answer.text)


def read_lb(text: str) -> LbCounts:
    """Read HAProxy's metrics; raise `AuditError` where a counter is not among them."""
    found = {(name, labels): int(float(value)) for name, labels, value in SAMPLE.findall(text)}

    def counter(kind: str, proxy: str, what: str) -> int:
        key = (f"haproxy_{kind}_{what}_total", f'proxy="{proxy}"')
        if key not in found:
            raise AuditError(f"The load balancer has no {key[0]} of {proxy}.")
        return found[key]

    return LbCounts(
        {hop: counter(*where, "http_requests") for hop, where in REQUESTS.items()},
        {name: counter(*where, "retry_warnings") for name, where in RETRIES.items()},
    )


def served(prometheus: Prometheus, since: float) -> Mapping[str, int]:
    """Return how many requests to /process each service has counted since a moment."""
    span = f"[{time.time() - since + BEFORE:.0f}s]"
    starts = prometheus.query(f"process_start_time_seconds{span}")
    counts = {}
    for service in CHAIN:
        labels = f'service="{service}",url_rule="/process"'
        rows = prometheus.query(f"flask_http_request_duration_seconds_count{{{labels}}}{span}")
        counts[service] = growth(rows, starts, since)
    return counts


def scraped_since(prometheus: Prometheus, moment: float) -> bool:
    """Tell whether all instances that serve were scraped after a moment."""
    ours = "|".join(CHAIN)
    return prometheus.value(f'min(timestamp(up{{service=~"{ours}"}}))  > bool {moment}') == 1
