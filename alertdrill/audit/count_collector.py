"""Collect every source's count of the audit's requests since a baseline."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ..drills.clients import Prometheus
from ..runtimes import Runtime
from . import request_counters
from .access_lines import HOPS, PATH_SERVICES, AccessLines
from .client import Client
from .compare import CountSource, compare_count, compare_ids
from .errors import AuditError
from .log_store import LogStore
from .request_counters import LbCounts

# Seconds from counting a request to its line in the file.
LINE_DELAY_S = 0.3
# The probe sends a request every five seconds; an attempt takes one or two.
MAX_TRIES = 20
# Several scrapes, which are five seconds apart.
SCRAPE_TIMEOUT_S = 30.0
POLL_INTERVAL_S = 0.2


@dataclass(frozen=True)
class Baseline:
    """The counts before the first request, of other requests too."""

    at: float
    lb: LbCounts
    other_counts: Counter[str]


class CountCollector:
    """Reads all sources of a stack; `mark` is the prefix of the audit's request ids.

    The counters include other requests, such as the probe's. These are subtracted by their access
    lines.
    """

    def __init__(self, runtime: Runtime, mark: str, store: LogStore | None) -> None:
        self._runtime = runtime
        self._mark = mark
        self._store = store
        self._prometheus = Prometheus(runtime.address("prometheus"))
        self._lb = runtime.address("lb-stats")
        self.lines = AccessLines(runtime, mark)
        self._before: Baseline | None = None

    def record_baseline(self) -> None:
        """Record the current counts; wait for one more scrape as the start of the range."""
        self.lines.read()
        lb = self._quiet_counts()
        now = time.time()
        while not request_counters.all_scraped_since(self._prometheus, now):
            if time.time() - now > SCRAPE_TIMEOUT_S:
                raise AuditError(
                    f"Prometheus did not scrape all instances within {SCRAPE_TIMEOUT_S:.0f} s:"
                    " see `make status`."
                )
            time.sleep(POLL_INTERVAL_S)
        self._before = Baseline(time.time(), lb, self.lines.other_counts())

    def _quiet_counts(self) -> LbCounts:
        """Return the load balancer's counts at a time whose lines are already written."""
        for _ in range(MAX_TRIES):
            counted = request_counters.fetch_lb_counts(self._lb)
            time.sleep(LINE_DELAY_S)
            self.lines.read_latest(["lb"])
            if request_counters.fetch_lb_counts(self._lb).requests == counted.requests:
                break
        return counted

    def retries(self) -> LbCounts:
        """Return the load balancer's counts since the baseline."""
        assert self._before
        return request_counters.fetch_lb_counts(self._lb).since(self._before.lb)

    def sources(self, client: Client) -> Sequence[CountSource]:
        """Return the current count of every source; read the older lines before."""
        assert self._before
        sent = client.sent
        self.lines.read_latest()
        failed = [failure.id for failure in client.failures]
        answered = CountSource("client: answered", len(sent), client.answered, missing=failed)
        lb = self._quiet_counts().since(self._before.lb)
        others = self.lines.other_counts() - self._before.other_counts
        return [
            answered,
            *self._counters(len(sent), lb, others),
            *self._lines(sent),
        ]

    def _counters(self, sent: int, lb: LbCounts, others: Counter[str]) -> list[CountSource]:
        served = request_counters.count_served(
            self._prometheus, self._before.at if self._before else 0
        )
        return [
            *(
                compare_count(f"counter of {hop}", sent, count - others[hop])
                for hop, count in lb.requests.items()
            ),
            *(
                compare_count(
                    f"Prometheus: {name}", sent, served[name] - others[name], lb.retries[name]
                )
                for name in PATH_SERVICES
            ),
        ]

    def _lines(self, sent: Sequence[str]) -> list[CountSource]:
        retries, files = self.lines.retries(), self.lines.audit_counts()
        sources = [compare_ids(f"files: {hop}", sent, files[hop], retries[hop]) for hop in HOPS]
        if self._store and self._before:
            stored = self._store.count_ids(self._mark, self._before.at)
            name = self._store.name
            sources += [
                compare_ids(f"{name}: {hop}", sent, stored[hop], retries[hop]) for hop in HOPS
            ]
        return sources
