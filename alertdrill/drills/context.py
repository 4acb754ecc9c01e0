"""The stack that drills run on: its clients, its load, and the records of the run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Generic, TypeVar

from ..clients.alertmanager import Alertmanager
from ..clients.loki import Loki
from ..clients.prometheus import Evaluator, Prometheus
from ..clients.responder import ResponderClient
from ..config import ROOT
from ..runtimes.base import FaultTarget, ProgressCallback, RunningStack, StackRuntime
from .expression import is_log_alert
from .model import NO_LOAD, Drill, DrillError, LoadSpec
from .result import DrillResult
from .undo import UndoLog, UndoRecord, UndoStep, tagged_environment

# The components that collect and store log lines. One is of no use without the other.
LOG_COMPONENTS = ("collector", "loki")
# On SIGTERM, Locust lets its users finish their requests first.
STOP_TIMEOUT_S = 10.0
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


class Traffic:
    """At most one load at a time against the load balancer at `host`; `spec` is the current one."""

    def __init__(self, host: str, run_id: str, log: Path) -> None:
        self._host = host
        self._run_id = run_id
        self._log = log
        self.spec = NO_LOAD
        self._process: subprocess.Popen[bytes] | None = None

    def ensure(self, spec: LoadSpec) -> None:
        """Run this load and no other; keep the current process if it has the same load."""
        if spec == self.spec and (spec.shape == "none" or self._is_running()):
            return
        self.stop()
        self.spec = spec
        if spec.shape == "none":
            return
        command = [
            sys.executable, "-m", "locust", "-f", str(ROOT / "loadtests" / "locustfile.py"),
            # Locust appends paths, which begin with a slash.
            "--headless", "--host", self._host.rstrip("/"), "--users", str(spec.users),
            "--exit-code-on-error", "0", "--only-summary", "--loglevel", "WARNING",
        ]  # fmt: skip
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
                command,
                env={**tagged_environment(self._run_id), "LOAD_SHAPE": spec.shape},
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches only the run, which then stops this
            )

    def require_running(self) -> None:
        """Raise `DrillError` if there should be a load and its process has ended."""
        if self.spec.shape != "none" and not self._is_running():
            lines = self._log.read_text(errors="replace").strip().splitlines() or ["no output"]
            raise DrillError(f"Locust has ended: {lines[-1].rstrip('.')}.")

    def stop(self) -> None:
        """Stop the load, if one is running."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = None
        self.spec = NO_LOAD

    def _is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None


@dataclass(frozen=True)
class RunContext(Generic[R_co]):
    """A stack that is up for a run, with all that the run needs.

    `user_runtime` is the user's stack, which may be this one; it may be down. `record` is the run's
    entry in the undo log, `folder` holds the files of the run.
    """

    runtime: R_co
    user_runtime: R_co
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
    def alertmanager(self: DrillContext) -> Alertmanager:
        """Return the client of this stack's Alertmanager, for drills, which have its password."""
        runtime = self.runtime
        return Alertmanager(runtime.address("alertmanager"), runtime.alertmanager_password_file())

    @cached_property
    def responder(self) -> ResponderClient:
        """Return the client of this stack's responder."""
        return ResponderClient(self.runtime.address("responder"))

    @cached_property
    def loki(self) -> Loki | None:
        """Return the client of the log store, or None unless the stack collects and stores logs."""
        return None if self.missing_log_components() else Loki(self.runtime.address("loki"))

    def missing_log_components(self) -> Sequence[str]:
        """Return the components for logs that this stack lacks; a stopped one is not lacking."""
        deployed = {instance.service for instance in self.runtime.status()}
        return [name for name in LOG_COMPONENTS if name not in deployed]

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
