"""The stack that drills run on: its clients, its load, and the records of the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Generic, TypeVar

from ..clients.loki import Loki
from ..clients.prometheus import Alertmanager, Evaluator, Prometheus
from ..clients.responder import ResponderClient
from ..config.settings import StackSettings
from ..runtimes.base import FaultTarget, ProgressCallback, RunningStack, StackRuntime
from .expression import is_log_alert
from .model import Drill
from .result import DrillResult
from .traffic import Traffic
from .undo import UndoLog, UndoRecord, UndoStep

# The components that collect and store log lines. One is of no use without the other.
LOG_COMPONENTS = ("collector", "loki")
R_co = TypeVar("R_co", bound=RunningStack, covariant=True)


class DrillProgress:
    """Receives the events of a run, in seconds; this one shows only the notes."""

    def __init__(self, on_note: ProgressCallback) -> None:
        self._on_note = on_note

    def note(self, sentence: str) -> None:
        """Show a sentence about the run as a whole."""
        self._on_note(sentence)

    def drill_started(self, drill: Drill, position: tuple[int, int]) -> None:
        """Show that a drill starts; `position` is (its number, the number of drills)."""

    def waiting(self, phase: str, elapsed: float, limit: float) -> None:
        """Show the phase that the run waits for; called several times a second."""

    def phase_reached(self, phase: str, elapsed: float, limit: float) -> None:
        """Show a phase that was reached."""

    def drill_finished(self, result: DrillResult) -> None:
        """Show the verdict of a drill."""


@dataclass(frozen=True)
class RunContext(Generic[R_co]):
    """A stack that is up for a run, with all that the run needs.

    `user_runtime` is the user's stack, which may be this one; it may be down. `record` is the run's
    entry in the undo log, `folder` holds the files of the run.
    """

    runtime: R_co
    user_runtime: R_co
    settings: StackSettings
    undo_log: UndoLog
    record: UndoRecord
    folder: Path
    traffic: Traffic
    progress: DrillProgress
    notes: Sequence[str] = ()

    def record_undo(self, alert: str, steps: Sequence[UndoStep]) -> None:
        """Put a fault's undo steps on record before it begins, and none once they are performed."""
        self.undo_log.write(replace(self.record, alert=alert, undo=steps))

    @cached_property
    def prometheus(self) -> Prometheus:
        """Return the client of this stack's Prometheus."""
        return Prometheus(self.runtime.address("prometheus"))

    @cached_property
    def alertmanager(self) -> Alertmanager:
        """Return the client of this stack's Alertmanager."""
        return Alertmanager(self.runtime.address("alertmanager"))

    @cached_property
    def responder(self) -> ResponderClient:
        """Return the client of this stack's responder."""
        return ResponderClient(self.runtime.address("responder"))

    def deployed_services(self) -> set[str]:
        """Return the services and components of this stack, stopped ones included."""
        return {instance.service for instance in self.runtime.status()}

    @cached_property
    def loki(self) -> Loki | None:
        """Return the client of the log store, or None unless the stack collects and stores logs."""
        if not set(LOG_COMPONENTS) <= self.deployed_services():
            return None
        return Loki(self.runtime.address("loki"))

    @property
    def evaluators(self) -> Sequence[Evaluator]:
        """Return the programs of this stack that evaluate alert rules."""
        return [self.prometheus, *([self.loki] if self.loki else [])]

    def evaluator(self, alert: str) -> Evaluator:
        """Return the program that evaluates an alert's rule."""
        return self.loki if self.loki and is_log_alert(alert) else self.prometheus


# Drills break their stack; an audit restarts and scales its stack, and reads its log files.
DrillContext = RunContext[FaultTarget]
AuditContext = RunContext[StackRuntime]


def needs_logs(drill: Drill) -> bool:
    """Return whether a drill needs the components that collect and store logs."""
    target = drill.fault.target.rpartition("-")[0] or drill.fault.target
    return is_log_alert(drill.alert) or bool({target, drill.fault.component} & {*LOG_COMPONENTS})
