"""Every party's count of our requests, since one moment."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ..drills.clients import Prometheus
from ..runtimes import Runtime
from . import counters
from .chain import CHAIN
from .client import Client
from .compare import Party, by_count, by_id
from .counters import LbCounts
from .errors import AuditError
from .lines import HOPS, Lines
from .store import Store

# A line is in its file this long after its request was counted, in seconds.
WRITTEN = 0.3
# The probe passes once in five seconds, and a try takes a second or two.
TRIES = 20
# Some scrapes, each five seconds after the one before.
SCRAPED = 30.0
STEP = 0.2


@dataclass(frozen=True)
class Before:
    """What was counted before the first request, of others too."""

    at: float
    lb: LbCounts
    others: Counter[str]


class Tally:
    """Asks all parties of a stack; `mark` is what our request ids begin with.

    The counters count the requests of others too, such as the probe's, which are taken off as
    the access lines have them.
    """

    def __init__(self, runtime: Runtime, mark: str, store: Store | None) -> None:
        self._runtime = runtime
        self._mark = mark
        self._store = store
        self._prometheus = Prometheus(runtime.address("prometheus"))
        self._lb = runtime.address("lb-stats")
        self.lines = Lines(runtime, mark)
        self._before: Before | None = None

    def begin(self) -> None:
        """Note what was counted so far; wait for one more scrape, from which growth is counted."""
        self.lines.read()
        lb = self._quiet_counts()
        now = time.time()
        while not counters.scraped_since(self._prometheus, now):
            if time.time() - now > SCRAPED:
                raise AuditError(
                    f"Prometheus did not scrape all instances within {SCRAPED:.0f} s:"
                    " see `make status`."
                )
            time.sleep(STEP)
        self._before = Before(time.time(), lb, self.lines.others())

    def _quiet_counts(self) -> LbCounts:
        """Return the load balancer's counts, of a moment for which the lines are there too."""
        for _ in range(TRIES):
            counted = counters.lb_counts(self._lb)
            time.sleep(WRITTEN)
            self.lines.read_latest(["lb"])
            if counters.lb_counts(self._lb).requests == counted.requests:
                break
        return counted

    def retries(self) -> LbCounts:
        """Return what the load balancer counted since the beginning."""
        assert self._before
        return counters.lb_counts(self._lb).since(self._before.lb)

    def parties(self, client: Client) -> Sequence[Party]:
        """Return what every party has now, where all older lines have been read before."""
        assert self._before
        sent = client.sent
        self.lines.read_latest()
        failed = [failure.id for failure in client.failures]
        answered = Party("client: answered", len(sent), client.answered, missing=failed)
        lb = self._quiet_counts().since(self._before.lb)
        others = self.lines.others() - self._before.others
        return [
            answered,
            *self._counters(len(sent), lb, others),
            *self._lines(sent),
        ]

    def _counters(self, sent: int, lb: LbCounts, others: Counter[str]) -> list[Party]:
        served = counters.served(self._prometheus, self._before.at if self._before else 0)
        return [
            *(
                by_count(f"counter of {hop}", sent, count - others[hop])
                for hop, count in lb.requests.items()
            ),
            *(
                by_count(f"Prometheus: {name}", sent, served[name] - others[name], lb.retries[name])
                for name in CHAIN
            ),
        ]

    def _lines(self, sent: Sequence[str]) -> list[Party]:
        again, files = self.lines.again(), self.lines.ours()
        found = [by_id(f"files: {hop}", sent, files[hop], again[hop]) for hop in HOPS]
        if self._store and self._before:
            kept = self._store.seen(self._mark, self._before.at)
            name = self._store.name
            found += [by_id(f"{name}: {hop}", sent, kept[hop], again[hop]) for hop in HOPS]
        return found
