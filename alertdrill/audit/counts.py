"""Collect every source's count of the audit's requests since a baseline: counters and lines."""

from __future__ import annotations

import itertools
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..clients.http import UnreachableError, request
from ..clients.loki import Loki
from ..clients.prometheus import Prometheus
from ..logs.parse import parse_object
from ..runtimes.base import StackRuntime
from .client import AuditError, Client, Route
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
REQUESTS = "haproxy_frontend_http_requests_total"
RETRIES = "haproxy_backend_retry_warnings_total"
SAMPLE = re.compile(r'^(haproxy_\w+)\{proxy="([^"]*)"\} ([0-9.e+]+)$', re.MULTILINE)


@dataclass(frozen=True)
class AccessLine:
    """A request's access line: its hop, its id, and the load balancer's retries."""

    hop: str
    id: str
    retries: int = 0


def access_line(fields: Mapping[str, Any], route: Route) -> AccessLine | None:
    """Return the access line with these fields; None unless its request is on the route."""
    if fields.get("logger") != "access":
        return None
    service, id_ = str(fields.get("service")), str(fields.get("request_id"))
    if service != "lb":
        on_route = service in route.services and fields.get("path") == route.path
        return AccessLine(service, id_) if on_route else None
    hop = route.frontends.get(str(fields.get("frontend")))
    # HAProxy writes +1 if the retry went to another server.
    retries = str(fields.get("retries")).lstrip("+")
    return AccessLine(hop, id_, int(retries) if retries.isdigit() else 0) if hop else None


@dataclass(frozen=True)
class Tally:
    """Access lines by hop: of the audit by id, its retries by receiver and id, and of others."""

    ids: Mapping[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    retries: Mapping[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    others: Counter[str] = field(default_factory=Counter)


def tally(lines: Iterable[tuple[AccessLine | None, int]], route: Route, prefix: str) -> Tally:
    """Count lines, given with how often each occurs; the audit's ids begin with `prefix`."""
    counts, receivers = Tally(), dict(zip(route.frontends.values(), route.services, strict=True))
    for line, count in lines:
        if line and not line.id.startswith(prefix):
            counts.others[line.hop] += count
        elif line:
            counts.ids[line.hop][line.id] += count
            if line.retries:
                counts.retries[receivers[line.hop]][line.id] += line.retries * count
    return counts


class AccessLines:
    """The access lines in a stack's log files, of requests whose ids begin with `prefix`.

    Files are bounded and drop their oldest lines, so read them often. The count of a line is the
    highest count that one reading had.
    """

    def __init__(self, runtime: StackRuntime, route: Route, prefix: str) -> None:
        self._runtime = runtime
        self._route = route
        self._prefix = prefix
        self._counts: Counter[tuple[str, int]] = Counter()
        self._lines: dict[tuple[str, int], AccessLine | None] = {}

    def read(self, *services: str, count: int | None = None) -> None:
        """Read the last `count` lines of services, or all; without a service, those of all."""
        counts: Counter[tuple[str, int]] = Counter()
        for service in services or ("lb", *self._route.services):
            for instance, text in self._runtime.logs(service, count):
                key = (instance, hash(text))
                counts[key] += 1
                if key not in self._lines:
                    self._lines[key] = access_line(parse_object(text) or {}, self._route)
        self._counts |= counts

    def tally(self) -> Tally:
        """Return the counts of all lines so far."""
        lines = ((self._lines[key], count) for key, count in self._counts.items())
        return tally(lines, self._route, self._prefix)


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
    samples = {(name, proxy): int(float(value)) for name, proxy, value in SAMPLE.findall(text)}
    # A service has two backends (lb/backend.cfg).
    names = {hop: [(REQUESTS, frontend)] for frontend, hop in route.frontends.items()}
    names |= {name: [(RETRIES, name), (RETRIES, f"{name}-large")] for name in route.services}
    for counter, proxy in itertools.chain.from_iterable(names.values()):
        if (counter, proxy) not in samples:
            raise AuditError(f"the load balancer has no counter {counter} for {proxy}")
    return {name: sum(samples[key] for key in keys) for name, keys in names.items()}


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
        while missing := self._prometheus.not_scraped_since(self._route.services, now):
            if time.time() - now > SCRAPE_TIMEOUT_S:
                raise AuditError(
                    f"Prometheus did not scrape {', '.join(missing)} within"
                    f" {SCRAPE_TIMEOUT_S:.0f} s: see `make status`."
                )
            time.sleep(POLL_INTERVAL_S)
        self._began, self._others_before = time.time(), self.lines.tally().others

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
        quiet = self._quiet_counts()
        lb = {name: count - self._lb_before[name] for name, count in quiet.items()}
        served = {name: self._served(name) for name in self._route.services}
        files = self.lines.tally()
        others = files.others - self._others_before
        stored = {name: self._stored_ids(loki) for name, loki in self._stores.items()}
        failed = [failure.id for failure in client.failures]
        return [
            CountSource("client: answered", len(sent), len(client.answered), missing=failed),
            *(
                compare_count(f"counter of {hop}", len(sent), lb[hop] - others[hop])
                for hop in self._route.frontends.values()
            ),
            *(
                compare_count(f"Prometheus: {name}", len(sent), count - others[name], lb[name])
                for name, count in served.items()
            ),
            *(
                compare_ids(f"{source}: {hop}", sent, counts[hop], files.retries[hop])
                for source, counts in ({"files": files.ids} | stored).items()
                for hop in self._route.hops
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

    def _stored_ids(self, loki: Loki) -> Mapping[str, Counter[str]]:
        """Return the count of each of the audit's ids in Loki, by hop."""
        services = "|".join(("lb", *self._route.services))
        logql = f'{{service=~"{services}"}} | logger="access" | request_id=~"{self._prefix}-.*"'
        # Containers share the host's clock, so all lines have times within the run.
        span = (int((self._began - 1) * SECOND_NS), int((time.time() + 1) * SECOND_NS))
        lines = ((access_line(line.fields, self._route), 1) for line in loki.every(logql, span))
        return tally(lines, self._route, self._prefix).ids
