"""Collect every source's count of the audit's requests since a baseline."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence

from ..clients.http import UnreachableError, request
from ..clients.loki import Loki
from ..clients.prometheus import Prometheus
from ..runtimes.base import StackRuntime
from .client import Client
from .lines import AccessLines, AuditError, Route, access_line, count_ids
from .report import CountSource, compare_count, compare_ids

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
SECOND_NS = 10**9
SAMPLE = re.compile(r'^(haproxy_\w+)\{proxy="([^"]*)"\} ([0-9.e+]+)$', re.MULTILINE)


def fetch_lb_counts(url: str, route: Route) -> Mapping[str, int]:
    """Return the load balancer's requests by hop and its retries by service, since its start.

    Raises `AuditError` if it does not respond, or if a counter is missing.
    """
    try:
        text = request("GET", f"{url}/metrics", timeout=TIMEOUT_S).text
    except UnreachableError as error:
        raise AuditError(
            f"cannot read the load balancer's counts ({error}): check `alertdrill status`"
        ) from error
    values = {(name, proxy): int(float(value)) for name, proxy, value in SAMPLE.findall(text)}
    counters = {
        hop: ("haproxy_frontend_http_requests_total", frontend)
        for frontend, hop in route.frontends.items()
    }
    counters |= {name: ("haproxy_backend_retry_warnings_total", name) for name in route.services}
    for counter, proxy in counters.values():
        if (counter, proxy) not in values:
            raise AuditError(f"the load balancer has no counter {counter} for {proxy}")
    return {name: values[key] for name, key in counters.items()}


class CountCollector:
    """Reads all sources of a stack; the ids of the audit's requests begin with `prefix`.

    `store` is the name of the store of the lines, None without one. The counters include other
    requests, such as the probe's. These are subtracted by their access lines.
    """

    def __init__(self, runtime: StackRuntime, route: Route, prefix: str, store: str | None) -> None:
        self._route = route
        self._prefix = prefix
        self._stores = {store: Loki(runtime.address("loki"))} if store else {}
        self._prometheus = Prometheus(runtime.address("prometheus"))
        self._lb = runtime.address("lb-stats")
        self.lines = AccessLines(runtime, route, prefix)
        # The baseline: the counts before the first request, of other requests too.
        self._began = 0.0
        self._lb_before: Mapping[str, int] = {}
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

    def _quiet_counts(self) -> Mapping[str, int]:
        """Return the load balancer's counts at a time whose lines are already written."""
        for _ in range(MAX_TRIES):
            counted = fetch_lb_counts(self._lb, self._route)
            time.sleep(LINE_DELAY_S)
            self.lines.read("lb", count=MAX_RECENT_LINES)
            if fetch_lb_counts(self._lb, self._route) == counted:
                break
        return counted

    def retries(self) -> Mapping[str, int]:
        """Return the load balancer's retries since the baseline, by service."""
        counted = fetch_lb_counts(self._lb, self._route)
        return {name: counted[name] - self._lb_before[name] for name in self._route.services}

    def sources(self, client: Client) -> Sequence[CountSource]:
        """Return the current count of every source; read the older lines before."""
        sent = client.ids
        self.lines.read(count=MAX_RECENT_LINES)
        failed = [failure.id for failure in client.failures]
        return [
            CountSource("client: answered", len(sent), len(client.answered), missing=failed),
            *self._counters(len(sent)),
            *self._lines(sent),
        ]

    def _counters(self, sent: int) -> list[CountSource]:
        quiet = self._quiet_counts()
        lb = {name: count - self._lb_before[name] for name, count in quiet.items()}
        served = {name: self._served(name) for name in self._route.services}
        others = self.lines.other_counts() - self._others_before
        return [
            *(
                compare_count(f"counter of {hop}", sent, lb[hop] - others[hop])
                for hop in self._route.frontends.values()
            ),
            *(
                compare_count(f"Prometheus: {name}", sent, count - others[name], lb[name])
                for name, count in served.items()
            ),
        ]

    def _served(self, service: str) -> int:
        """Return a service's count of requests to the path of the route since the baseline."""
        labels = f'service="{service}",url_rule="{self._route.path}"'
        return self._prometheus.exact_increase(
            f"flask_http_request_duration_seconds_count{{{labels}}}",
            "process_start_time_seconds",
            self._began,
        )

    def _lines(self, sent: Sequence[str]) -> list[CountSource]:
        retries = self.lines.retries()
        counts = {"files": self.lines.audit_counts()}
        counts |= {name: self._stored_counts(loki) for name, loki in self._stores.items()}
        return [
            compare_ids(f"{name}: {hop}", sent, ids[hop], retries[hop])
            for name, ids in counts.items()
            for hop in self._route.hops
        ]

    def _stored_counts(self, loki: Loki) -> Mapping[str, Counter[str]]:
        """Return the count of each of the audit's ids in Loki, by hop."""
        services = "|".join(("lb", *self._route.services))
        logql = f'{{service=~"{services}"}} | logger="access" | request_id=~"{self._prefix}-.*"'
        # Containers share the host's clock, so all lines have times within the run.
        span = (int((self._began - 1) * SECOND_NS), int((time.time() + 1) * SECOND_NS))
        lines = (access_line(line.fields, self._route) for line in loki.every(logql, span))
        return count_ids((line, 1) for line in lines if line)
