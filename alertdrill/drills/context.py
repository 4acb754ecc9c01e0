"""The stack that drills run on: its clients, its load, and the records of the run."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..clients.alertmanager import Alertmanager
from ..clients.http import UnreachableError
from ..clients.loki import Loki
from ..clients.prometheus import Evaluator, Prometheus
from ..clients.responder import ResponderClient
from ..config.settings import StackSettings
from ..runtimes import Runtime
from . import chart, rule_files
from .progress import DrillProgress
from .result import Chart
from .traffic import Traffic
from .undo import UndoStep

# How many scrapes before the fault a chart shows.
SCRAPES_BEFORE = 20


@dataclass(frozen=True)
class DrillContext:
    """A stack that is up, with all that a drill needs; `folder` holds the files of the run.

    `user_runtime` is the user's stack, which may be this one; it may be down. `loki` is the URL of
    the log store, None if the stack has none. `record_undo(alert, steps)` puts a fault's undo
    steps on record before it begins, and none once they are performed.
    """

    runtime: Runtime
    settings: StackSettings
    user_runtime: Runtime
    traffic: Traffic
    run_id: str
    prometheus: Prometheus
    alertmanager: Alertmanager
    responder: ResponderClient
    loki: str | None
    progress: DrillProgress
    folder: Path
    notes: Sequence[str]
    record_undo: Callable[[str, Sequence[UndoStep]], None]

    @property
    def evaluators(self) -> Sequence[Evaluator]:
        """Return the programs of this stack that evaluate alert rules."""
        return [self.prometheus, *([Loki(self.loki)] if self.loki else [])]

    def evaluator(self, alert: str) -> Evaluator:
        """Return the program that evaluates an alert's rule."""
        in_loki = self.loki and alert in rule_files.alert_names_in(rule_files.LOKI_RULES)
        return self.evaluators[-1] if in_loki else self.prometheus

    def chart(self, alert: str, injected: float, fired: float | None) -> Chart | None:
        """Return the values of an alert's expression from shortly before the fault until now.

        Times are in seconds since 1970. Return None if the evaluator does not answer or has no
        such rule.
        """
        evaluator = self.evaluator(alert)
        try:
            rule = evaluator.rule(alert)
            step = self.prometheus.scrape_interval()
        except UnreachableError:
            return None
        if rule is None:
            return None
        period = chart.TimeWindow(injected - SCRAPES_BEFORE * step, time.time(), step, fired)
        return chart.record_chart(evaluator, rule.query, period)
