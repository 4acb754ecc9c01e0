"""Where drills are run."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import chart, rules
from .ask import Alertmanager, Evaluator, Prometheus, Ruler
from .errors import UnreachableError
from .faults import Scene
from .journal import Journal
from .outcome import Chart
from .progress import Progress
from .steps import Step

# How much of the time before the fault a chart shows, in scrapes.
BEFORE = 20


@dataclass(frozen=True)
class Stage:
    """Where drills are run: the parts to ask, and whom to tell. `folder` holds the run's files."""

    scene: Scene
    prometheus: Prometheus
    alertmanager: Alertmanager
    journal: Journal
    loki: str | None
    progress: Progress
    folder: Path
    # Told of what undoes the fault before it begins, and of nothing once it is undone.
    broken: Callable[[str, Sequence[Step]], None]

    @property
    def evaluators(self) -> Sequence[Evaluator]:
        """Return everything here that evaluates alert rules."""
        return [self.prometheus, *([Ruler(self.loki)] if self.loki else [])]

    def evaluator(self, alert: str) -> Evaluator:
        """Return what evaluates an alert's rule."""
        of_loki = self.loki and alert in rules.within(rules.OF_LOKI)
        return self.evaluators[-1] if of_loki else self.prometheus

    def chart(self, alert: str, injected: float, fired: float | None) -> Chart | None:
        """Return what the alert's expression gave since a little before the fault, until now.

        Both are in seconds since 1970. There is none if the evaluator is away or has no such rule.
        """
        evaluator = self.evaluator(alert)
        try:
            rule = evaluator.rule(alert)
            step = self.prometheus.scrape_interval()
        except UnreachableError:
            return None
        if rule is None:
            return None
        period = chart.Period(injected - BEFORE * step, time.time(), step, fired)
        return chart.record(evaluator, rule.query, period)
