"""Every source's count of our requests, since one moment."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ..drills.clients import Prometheus
from ..runtimes import Runtime
from . import counters
from .access_lines import HOPS, PATH_SERVICES, AccessLines
from .client import Client
from .compare import CountSource, compare_count, compare_ids
from .counters import LbCounts
from .errors import AuditError
from .log_store import LogStore

# A line is in its file this long after its request was counted, in seconds.
LINE_DELAY_S = 0.3
# The probe passes once in five seconds, and a try takes a second or two.
MAX_TRIES = 20
# Some scrapes, each five seconds after the one before.
SCRAPE_TIMEOUT_S = 30.0
POLL_INTERVAL_S = 0.2


@dataclass(frozen=True)
class Baseline:
    """What was counted before the first request, of others too."""

    at: float
    lb: LbCounts
    other_counts: Counter[str]


class CountCollector:
    """Asks all sources of a stack; `mark` is what our request ids begin with.

    The counters count the requests of others too, such as the probe's, which are taken off as
    the access lines have them.
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
        """Note what was counted so far; wait for one more scrape, from which growth is counted."""
        self.lines.read()
        lb = self._quiet_counts()
        now = time.time()
        while not counters.all_scraped_since(self._prometheus, now):
            if time.time() - now > SCRAPE_TIMEOUT_S:
                raise AuditError(
                    f"Prometheus did not scrape all instances within {SCRAPE_TIMEOUT_S:.0f} s:"
                    " see `make status`."
                )
            time.sleep(POLL_INTERVAL_S)
        self._before = Baseline(time.time(), lb, self.lines.other_counts())

    def _quiet_counts(self) -> LbCounts:
        """Return the load balancer's counts, of a moment for which the lines are there too."""
        for _ in range(MAX_TRIES):
            counted = counters.fetch_lb_counts(self._lb)
            time.sleep(LINE_DELAY_S)
            self.lines.read_latest(["lb"])
            if counters.fetch_lb_counts(self._lb).requests == counted.requests:
                break
        return counted

    def retries(self) -> LbCounts:
        """Return what the load balancer counted since the beginning."""
        assert self._before
        return counters.fetch_lb_counts(self._lb).since(self._before.lb)

    def sources(self, client: Client) -> Sequence[CountSource]:
        """Return what every source has now, where all older lines have been read before."""
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
        served = counters.count_served(self._prometheus, self._before.at if self._before else 0)
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
        again, files = self.lines.retries(), self.lines.audit_counts()
        found = [compare_ids(f"files: {hop}", sent, files[hop], again[hop]) for hop in HOPS]
        if self._store and self._before:
            kept = self._store.count_ids(self._mark, self._before.at)
            name = self._store.name
            found += [compare_ids(f"{name}: {hop}", sent, kept[hop], again[hop]) for hop in HOPS]
        return found
