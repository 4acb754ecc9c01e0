"""Collect every source's count of the audit's requests since a baseline."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..clients.http import UnreachableError, request
from ..clients.prometheus import Prometheus
from ..runtimes.base import StackRuntime
from .client import Client
from .compare import CountSource, compare_count, compare_ids
from .lines import AccessLines, AuditError, LogStore, Route

# The load balancer responds within milliseconds.
TIMEOUT_S = 5.0
# An instance may still write lines after the last request: a full pipe holds 2,000.
MAX_RECENT_LINES = 3000
# Seconds from counting a request to its line in the file.
LINE_DELAY_S = 0.3
# The probe sends a request every five seconds; an attempt takes one or two.
MAX_TRIES = 20
# Several scrapes, which are five seconds apart.
SCRAPE_TIMEOUT_S = 30.0
POLL_INTERVAL_S = 0.2
SAMPLE = re.compile(r"^(haproxy_\w+)\{([^}]*)\} ([0-9.e+]+)$", re.MULTILINE)


@dataclass(frozen=True)
class LbCounts:
    """The load balancer's counts since its start: requests by hop, retries by service."""

    requests: Mapping[str, int]
    retries: Mapping[str, int]

    def since(self, before: LbCounts) -> LbCounts:
        """Return the increase since earlier counts."""
        return LbCounts(
            {hop: count - before.requests.get(hop, 0) for hop, count in self.requests.items()},
            {name: count - before.retries.get(name, 0) for name, count in self.retries.items()},
        )


def fetch_lb_counts(url: str, route: Route) -> LbCounts:
    """Return the load balancer's counts; raise `AuditError` if it does not respond."""
    try:
        text = request("GET", f"{url}/metrics", timeout=TIMEOUT_S).text
    except UnreachableError as error:
        raise AuditError(
            f"cannot read the load balancer's counts ({error}): check `alertdrill status`"
        ) from error
    return parse_lb_counts(text, route)


def parse_lb_counts(text: str, route: Route) -> LbCounts:
    """Parse HAProxy's metrics; raise `AuditError` if a counter is missing."""
    values = {(name, labels): int(float(value)) for name, labels, value in SAMPLE.findall(text)}

    def counter(name: str, proxy: str) -> int:
        key = (name, f'proxy="{proxy}"')
        if key not in values:
            raise AuditError(f"the load balancer has no counter {name} for {proxy}")
        return values[key]

    return LbCounts(
        {
            hop: counter("haproxy_frontend_http_requests_total", frontend)
            for frontend, hop in route.frontends.items()
        },
        {
            service: counter("haproxy_backend_retry_warnings_total", service)
            for service in route.services
        },
    )


def count_served(prometheus: Prometheus, route: Route, since: float) -> Mapping[str, int]:
    """Return each service's count of requests to its path of the route since a time."""
    counter = "flask_http_request_duration_seconds_count"
    return {
        service: prometheus.exact_increase(
            f'{counter}{{service="{service}",url_rule="{route.path}"}}',
            "process_start_time_seconds",
            since,
        )
        for service in route.services
    }


class CountCollector:
    """Reads all sources of a stack; the ids of the audit's requests begin with `prefix`.

    The counters include other requests, such as the probe's. These are subtracted by their access
    lines.
    """

    def __init__(
        self, runtime: StackRuntime, route: Route, prefix: str, store: LogStore | None
    ) -> None:
        self._route = route
        self._store = store
        self._prometheus = Prometheus(runtime.address("prometheus"))
        self._lb = runtime.address("lb-stats")
        self.lines = AccessLines(runtime, route, prefix)
        # The baseline: the counts before the first request, of other requests too.
        self._began = 0.0
        self._lb_before = LbCounts({}, {})
        self._others_before: Counter[str] = Counter()

    def record_baseline(self) -> None:
        """Record the current counts; wait for one more scrape as the start of the range."""
        self.lines.read()
        self._lb_before = self._quiet_counts()
        now = time.time()
        while not self._prometheus.all_scraped_since(self._route.services, now):
            if time.time() - now > SCRAPE_TIMEOUT_S:
                raise AuditError(
                    f"Prometheus did not scrape all instances within {SCRAPE_TIMEOUT_S:.0f} s:"
                    " see `make status`."
                )
            time.sleep(POLL_INTERVAL_S)
        self._began, self._others_before = time.time(), self.lines.other_counts()

    def _quiet_counts(self) -> LbCounts:
        """Return the load balancer's counts at a time whose lines are already written."""
        for _ in range(MAX_TRIES):
            counted = fetch_lb_counts(self._lb, self._route)
            time.sleep(LINE_DELAY_S)
            self.lines.read("lb", count=MAX_RECENT_LINES)
            if fetch_lb_counts(self._lb, self._route).requests == counted.requests:
                break
        return counted

    def retries(self) -> Mapping[str, int]:
        """Return the load balancer's retries since the baseline, by service."""
        return fetch_lb_counts(self._lb, self._route).since(self._lb_before).retries

    def sources(self, client: Client) -> Sequence[CountSource]:
        """Return the current count of every source; read the older lines before."""
        sent = client.sent
        self.lines.read(count=MAX_RECENT_LINES)
        failed = [failure.id for failure in client.failures]
        return [
            CountSource("client: answered", len(sent), client.answered, missing=failed),
            *self._counters(len(sent)),
            *self._lines(sent),
        ]

    def _counters(self, sent: int) -> list[CountSource]:
        lb = self._quiet_counts().since(self._lb_before)
        served = count_served(self._prometheus, self._route, self._began)
        others = self.lines.other_counts() - self._others_before
        return [
            *(
                compare_count(f"counter of {hop}", sent, count - others[hop])
                for hop, count in lb.requests.items()
            ),
            *(
                compare_count(f"Prometheus: {name}", sent, count - others[name], lb.retries[name])
                for name, count in served.items()
            ),
        ]

    def _lines(self, sent: Sequence[str]) -> list[CountSource]:
        retries = self.lines.retries()
        counts = {"files": self.lines.audit_counts()}
        if self._store:
            counts[self._store.name] = self._store.count_ids(self._began)
        return [
            compare_ids(f"{name}: {hop}", sent, ids[hop], retries[hop])
            for name, ids in counts.items()
            for hop in self._route.hops
        ]
