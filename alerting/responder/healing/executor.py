"""Apply a plan: every write of healing, to the database and through the control API."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence, Set
from datetime import datetime
from threading import Lock, Thread
from typing import Protocol

from ..clients import AlertmanagerAlert
from ..errors import ControlApiError, ControlApiUnavailableError, DatabaseError
from ..healing_store import ActionRecord, ActiveAlert, HealingStores
from ..metrics import HealingMetrics
from ..validation import utc_now
from .planner import APPROVED, BUDGET_EXHAUSTED, Action, Plan, Skip

# The control API restarts within seconds; an action fails if it is unavailable for longer.
RETRY_TIMEOUT_S = 30.0
RETRY_INTERVAL_S = 0.5
RESOLVED_FIRST = "its alert was resolved before it could resume"

log = logging.getLogger("healing")


class ControlApi(Protocol):
    """The actions of the control API: see `clients.ControlApiClient`."""

    def restart(self, instance: str, grace_period: float | None, key: str) -> None:
        """Restart an instance and wait until it is ready."""
        ...

    def scale(self, service: str, instances: int, key: str) -> None:
        """Scale a service to a number of instances and wait until they are ready."""
        ...


class Executor:
    """Applies plans; one thread at a time calls it. Each action runs in a thread of its own.

    With `dry_run` it records actions and does not start them.
    """

    def __init__(
        self,
        stores: HealingStores,
        control_api: ControlApi,
        metrics: HealingMetrics,
        *,
        dry_run: bool = False,
    ) -> None:
        self.dry_run = dry_run
        self._stores = stores
        self._control_api = control_api
        self._metrics = metrics
        self._lock = Lock()
        self._executing: set[int] = set()
        # The last decision by fingerprint of its alert: a repeated decision is recorded once.
        self._last_decisions: dict[str, tuple[float, str]] = {}

    def apply(self, plan: Plan, now: datetime) -> None:
        """Carry out a plan; raise `DatabaseError` if the database fails."""
        stores, expected = self._stores, plan.expected
        if plan.circuit_was_open is not None and stores.flags.close_circuit(now):
            minutes = plan.circuit_was_open / 60
            log.info("The circuit is closed, %.0f min after it opened.", minutes)
        if expected.lost:
            stores.alerts.mark_lost(expected.lost)
        self._close_resolved({alert.fingerprint for alert in expected.alerts}, now)
        for record in plan.resumed:
            self.submit(record)
        for record in plan.cancelled:
            self._finish(record, "cancelled", RESOLVED_FIRST, now)
        for decision in plan.decisions:
            if isinstance(decision, Action):
                self._start(decision, now)
            elif decision.code == BUDGET_EXHAUSTED and stores.flags.set("circuit_open", now):
                log.error("The circuit is open: %s.", decision.reason)
        self._record_skipped([item for item in plan.decisions if isinstance(item, Skip)], now)

    def adopt(self, missed: Sequence[AlertmanagerAlert], now: datetime) -> None:
        """Record alerts without a notification as firing."""
        if missed and (adopted := self._stores.alerts.adopt(missed, now)):
            names = ", ".join(sorted({alert.name for alert in adopted}))
            log.warning("%s fires in Alertmanager without a notification: adopted.", names)

    def executing(self) -> Set[int]:
        """Return the ids of the actions that this process executes."""
        with self._lock:
            return frozenset(self._executing)

    def submit(self, record: ActionRecord) -> None:
        """Start an action, or resume one that a restart of the responder interrupted.

        An action that is submitted twice runs once.
        """
        with self._lock:
            if record.id in self._executing:
                return
            self._executing.add(record.id)
        # A daemon, so that it does not delay the end of this process; the next one resumes it.
        Thread(target=self._run, args=(record,), name="healing", daemon=True).start()

    def _close_resolved(self, firing: Set[str], now: datetime) -> None:
        for row in self._stores.actions.mark_resolved(firing, now):
            log.info("%s is resolved after action %d.", row["alert"], row["id"])
        for fingerprint in self._last_decisions.keys() - firing:
            del self._last_decisions[fingerprint]

    def _start(self, action: Action, now: datetime) -> None:
        record = self._stores.actions.create(
            action.alert,
            action.kind,
            action.target,
            now,
            code=APPROVED,
            reason=action.reason,
            instances=action.instances,
            grace_period=action.grace_period,
            dry_run=self.dry_run,
        )
        self._last_decisions.pop(action.alert.fingerprint, None)
        self._report(action.alert, action.kind, action.target, APPROVED, action.reason)
        if not self.dry_run:
            self.submit(record)

    def _record_skipped(self, skips: Sequence[Skip], now: datetime) -> None:
        """Record each decision for no action that differs from the alert's last one."""
        last = self._last_decisions
        changed = [
            skip
            for skip in skips
            if last.get(skip.alert.fingerprint) != (skip.alert.firing_since, skip.code)
        ]
        if not changed:
            return
        self._stores.actions.record_skipped(
            [(skip.alert, skip.code, skip.reason) for skip in changed], now
        )
        for skip in changed:
            last[skip.alert.fingerprint] = (skip.alert.firing_since, skip.code)
            self._report(skip.alert, "none", skip.target, skip.code, skip.reason)

    def _report(self, alert: ActiveAlert, action: str, target: str, code: str, reason: str) -> None:
        name = target or alert.instance or alert.service
        log.info(
            "Decision on %s: %s: %s",
            alert.alert,
            f"{action} {target}".strip() if action != "none" else "no action",
            reason,
            extra={"alert": alert.alert, "action": action, "target": name, "code": code},
        )
        self._metrics.count_decision(action, code)

    def _run(self, record: ActionRecord) -> None:
        try:
            state, message = self._execute(record)
            self._finish(record, state, message, utc_now())
        except DatabaseError as error:  # in the database it still runs, and is resumed later
            log.warning("The end of action %d is not recorded: %s", record.id, error)
        finally:
            with self._lock:
                self._executing.discard(record.id)

    def _execute(self, record: ActionRecord) -> tuple[str, str]:
        deadline = time.monotonic() + RETRY_TIMEOUT_S
        while True:
            try:
                self._call(record)
            except ControlApiUnavailableError as error:
                if time.monotonic() > deadline:
                    return "failed", str(error)
                time.sleep(RETRY_INTERVAL_S)
            except ControlApiError as error:
                return "failed", str(error)
            else:
                return "done", ""

    def _call(self, record: ActionRecord) -> None:
        # The idempotency key lets the API recognize a retry.
        if record.action.kind == "restart":
            self._control_api.restart(record.action.target, record.grace_period, record.key)
        else:
            assert record.instances is not None
            self._control_api.scale(record.action.target, record.instances, record.key)

    def _finish(self, record: ActionRecord, state: str, message: str, now: datetime) -> None:
        """Record and report the end of an action, unless it had ended before."""
        final = self._stores.actions.finish(record.id, state, message, now)
        if not final:
            return
        action = record.action
        log.log(
            logging.WARNING if final == "failed" else logging.INFO,
            "Action %d, %s %s: %s%s",
            *(record.id, action.kind, action.target, final, f": {message}" if message else ""),
            extra={"alert": record.alert, "action_id": record.id, "state": final},
        )
        self._metrics.count_action(record, final)
