"""Asks each query once, however many panels and choices it is the same for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import yaml

from .answer import Answer
from .asks import SCRAPE, Ask
from .cost import SECONDS, Age
from .durations import milliseconds
from .errors import ProofError
from .options import Sources
from .sources import Loki, Prometheus

OLDEST = "min(prometheus_tsdb_lowest_timestamp_seconds)"
MS = 1000


class Asker:
    """The data sources by their uids, and what they have answered."""

    def __init__(self, prometheus: str, loki: str | None) -> None:
        self._prometheus = Prometheus(prometheus)
        self.sources: Sources = {
            "prometheus": self._prometheus,
            "loki": Loki(loki) if loki else None,
        }
        self._answers: dict[Ask, Answer | ProofError] = {}

    @property
    def sent(self) -> int:
        """How many queries were sent."""
        return len(self._answers)

    def answer(self, ask: Ask) -> Answer:
        """Return the answer; raise `RefusedError` where there is none."""
        if ask not in self._answers:
            self._answers[ask] = self._try(ask)
        found = self._answers[ask]
        if isinstance(found, ProofError):
            raise found
        return found

    def last(self, ask: Ask) -> Answer:
        """Return what a query is at the end of its span alone."""
        return self.answer(replace(ask, kind="instant", step=0))

    def age(self, now: int) -> Age:
        """Return how much the store has."""
        found = self._prometheus.instant(OLDEST, now).series
        # Without the metric nothing is known, and the store is taken for full.
        oldest = now - round(found[0].points[0][1] * MS) if found else now
        loaded: Mapping[str, Mapping[str, str]] = yaml.safe_load(self._prometheus.config())
        said = loaded.get("global", {}).get("scrape_interval", f"{SCRAPE['prometheus']}ms")
        return Age(max(oldest, 1), milliseconds(said))

    def _try(self, ask: Ask) -> Answer | ProofError:
        try:
            first = self._ask(ask)
            # On a busy machine once is no measure.
            return self._ask(ask) if first.cost.seconds > SECONDS else first
        except ProofError as error:
            return error

    def _ask(self, ask: Ask) -> Answer:
        source = self.sources[ask.source]
        assert source is not None
        if ask.kind == "range":
            return source.ranged(ask.expr, ask.span, ask.step, ask.lines)
        if ask.kind == "exemplars":
            return source.exemplars(ask.expr, ask.span)
        return source.instant(ask.expr, ask.span.end)
