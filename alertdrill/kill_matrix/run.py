"""Run the rows: steady state, fault, recovery or timeout, undo."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ..clients.http import UnreachableError
from ..clients.responder import PerformedAction
from ..drills import steady_state, undo
from ..drills.context import DrillContext
from ..drills.model import NO_LOAD, DrillError
from ..errors import AlertdrillError
from ..runtimes.base import SupervisedStack
from ..runtimes.engine import NS_PER_SECOND
from .client import TIMEOUT_S as CLIENT_TIMEOUT_S
from .client import SteadyClient
from .plan import Row
from .result import Conditions, FiredAlert, RowResult, find_recovered_by
from .state import StackState, find_stale, find_unready, is_replaced, observe

POLL_INTERVAL_S = 0.2
# Lost requests burn the error budget for longer than a run takes, so the next row of an ephemeral
# stack starts without samples. After this time, windows of one minute hold enough of them again.
SETTLE_S = 60.0
SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGTERM, "pause": signal.SIGSTOP}
# Alertmanager repeats a failed notification within seconds once its receiver answers.
LATE_S = 10.0
# What the control API logs when its loop starts a container.
RECONCILED = '{service=~".+"} |~ "was (killed|frozen): restarted it."'


@dataclass
class _Row:
    """A row in progress; times are seconds since 1970."""

    row: Row
    before: StackState
    began: float
    first: int
    seconds: float | None = None
    after: StackState | None = None
    last: int = 0
    # What was missing at the last poll.
    deviation: str = ""


class MatrixRun:
    """Runs rows on one stack, with a client that sends `rate` requests per second."""

    def __init__(
        self, context: DrillContext, client: SteadyClient, *, rate: float, timeout: float
    ) -> None:
        self._context = context
        self._client = client
        self._rate = rate
        self._timeout = timeout
        self._began = time.time()
        self._load_before = os.getloadavg()[1]
        # The number of the first request that the samples in Prometheus may know.
        self._clean_since = 0
        self._alerts: dict[str, FiredAlert] = {}
        self._evaluators = context.evaluators  # while the whole stack answers

    def execute(self, rows: Sequence[Row], on_result: Callable[[RowResult], None]) -> None:
        """Run the rows in order; report each result. Raise `DrillError` if a fault stays."""
        self._client.start()
        try:
            for row in rows:
                self._run(row, on_result)
        finally:
            self._client.stop()

    def _run(self, row: Row, on_result: Callable[[RowResult], None]) -> None:
        try:
            self._preflight(row)
            current = _Row(row, observe(self._context), time.time(), self._client.sent)
        except AlertdrillError as error:
            reason = f"The stack had no steady state before the fault: {error}"
            on_result(self._result(row, reason=reason))
            return
        self._alerts = {}
        steps = row.undo_steps()
        self._context.record_undo(str(row), steps)
        reason, notified = "", []
        try:
            self._inject(row)
            self._await_recovery(current)
        except AlertdrillError as error:
            reason = f"The fault could not be injected: {error}"
        finally:
            current.last = self._client.sent
            notified = self._notified(current.began)
            # A start may take too long on a busy machine, and each step may be performed twice.
            runtime = self._context.runtime
            failures = undo.perform(runtime, steps) and undo.perform(runtime, steps)
            if not failures:
                self._context.record_undo("", ())
        refused = self._result(row, reason=reason) if reason else None
        on_result(refused or self._evaluate(current, notified))
        if failures:
            raise DrillError(f"{row} could not be undone: {failures[0]}")

    def _preflight(self, row: Row) -> None:
        runtime = self._context.runtime
        if runtime.ephemeral and self._client.count_lost(self._clean_since, self._client.sent):
            self._clean_since = self._client.sent
            runtime.delete_series()
            settle = SETTLE_S / runtime.speed
            self._wait(f"{row}: settling", settle, lambda: False)
        limit = steady_state.max_wait(runtime.speed)
        phase = f"{row}: steady state"
        steady_state.wait(self._context, NO_LOAD, "", phase=phase, limit=limit)

    def _inject(self, row: Row) -> None:
        runtime = self._context.runtime
        if row.is_supervisor:
            assert isinstance(runtime, SupervisedStack)
            runtime.signal_supervisor(SIGNALS[row.fault])
        else:
            {"kill": runtime.kill, "stop": runtime.stop, "pause": runtime.pause}[row.fault](
                row.target
            )

    def _await_recovery(self, current: _Row) -> None:
        """Store when the steady state was back, unless that takes longer than the timeout."""
        ready_since: float | None = None

        def recovered() -> bool:
            nonlocal ready_since
            self._watch_alerts(current.began)
            try:
                state = observe(self._context)
                current.deviation = find_unready(current.row, current.before, state)
            except AlertdrillError as error:
                current.deviation = str(error)
            if current.deviation:
                ready_since = None
                return False
            ready_since = ready_since or time.time()
            current.after = state
            current.deviation = find_stale(current.before, state, ready_since)
            return not current.deviation

        spent = time.time() - current.began  # a stop drains
        if self._wait(str(current.row), self._timeout - spent, recovered):
            current.seconds = time.time() - current.began

    def _wait(self, phase: str, limit: float, check: Callable[[], bool]) -> bool:
        for elapsed in steady_state.poll(self._context, phase, limit):
            if check():
                return True
            if elapsed >= limit:
                return False
        return False

    def _watch_alerts(self, began: float) -> None:
        for evaluator in self._evaluators:
            with contextlib.suppress(UnreachableError):
                for labels in evaluator.firing_alerts():
                    name, severity = labels["alertname"], labels.get("severity", "")
                    if name != steady_state.WATCHDOG:
                        alert = FiredAlert(
                            name=name, severity=severity, after=round(time.time() - began, 1)
                        )
                        self._alerts.setdefault(name, alert)

    def _notified(self, began: float) -> list[str]:
        """Return the alerts that have reached the responder since the fault, with severity."""
        names: dict[str, None] = {}
        with contextlib.suppress(UnreachableError):
            for alert in self._context.responder.received_alerts(began, status="firing"):
                if alert.alert != steady_state.WATCHDOG and alert.status == "firing":
                    names[f"{alert.alert} ({alert.severity})"] = None
        return list(names)

    # After the undo

    def _evaluate(self, current: _Row, notified: Sequence[str]) -> RowResult:
        lost = self._count_lost(current.first, current.last)
        recovered_by = ""
        if current.seconds is not None and current.after:
            replaced = is_replaced(current.row.instances, current.before, current.after)
            recovered_by = find_recovered_by(
                current.row,
                runtime=self._context.runtime.name,
                actions=[
                    (action.kind, action.target, action.alert)
                    for action in self._actions(current.began)
                ],
                replaced=replaced,
                reconciled=self._is_reconciled(current.began),
            )
        elif not notified:
            self._wait("late notifications", LATE_S, lambda: bool(self._notified(current.began)))
        late = [name for name in self._notified(current.began) if name not in notified]
        return self._result(
            current.row,
            verdict="late" if current.seconds is None else "recovered",
            seconds=None if current.seconds is None else round(current.seconds, 1),
            sent=current.last - current.first,
            lost=lost,
            recovered_by=recovered_by,
            alerts=sorted(self._alerts.values(), key=lambda alert: alert.after),
            notified=notified,
            notified_late=late,
            reason=current.deviation,
        )

    def _count_lost(self, first: int, last: int) -> int:
        """Return how many of the requests from `first` up to `last` failed, once all have ended."""
        self._wait("answers", CLIENT_TIMEOUT_S, lambda: self._client.ended(last))
        return self._client.count_lost(first, last)

    def _actions(self, began: float) -> Iterator[PerformedAction]:
        with contextlib.suppress(UnreachableError):
            for action in self._context.responder.actions(began):
                if action.state == "done" and not action.dry_run:
                    yield action

    def _is_reconciled(self, began: float) -> bool:
        span = (int(began * NS_PER_SECOND), int(time.time() * NS_PER_SECOND))
        with contextlib.suppress(UnreachableError):
            loki = self._context.loki
            return bool(loki and loki.last(RECONCILED, span, 1))
        return False

    def _result(self, row: Row, **values: object) -> RowResult:
        conditions = Conditions(
            began=round(self._began, 1),
            speed=self._context.runtime.speed,
            rate=self._rate,
            timeout=self._timeout,
            cores=os.cpu_count() or 1,
            load_before=round(self._load_before, 2),
            load_after=round(os.getloadavg()[1], 2),
        )
        return RowResult.model_validate(
            {
                "runtime": self._context.runtime.name,
                "component": row.component,
                "target": row.target,
                "fault": row.fault,
                "copies": row.copies,
                "total": row.total,
                "verdict": "aborted",
                "conditions": conditions,
                **values,
            }
        )
