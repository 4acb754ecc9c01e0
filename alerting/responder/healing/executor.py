"""Apply a plan: every write of healing, to the database and through the control API."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock, Thread

from ..clients import AlertmanagerAlert, ControlApiClient
from ..errors import ControlApiError, ControlApiUnavailableError, DatabaseError
from ..metrics import ResponderMetrics
from ..validation import utc_now
from .planner import BUDGET_EXHAUSTED, Plan
from .store import Action, Decision, HealingStore

# The control API restarts within seconds; an action fails if it is unavailable for longer.
RETRY_TIMEOUT_S = 30.0
RETRY_INTERVAL_S = 0.5

log = logging.getLogger("healing")


@dataclass
class Executor:
    """Applies plans; one thread at a time calls it. Each action runs in a thread of its own.

    With `dry_run` it records actions and does not start them.
    """

    store: HealingStore
    control_api: ControlApiClient
    metrics: ResponderMetrics
    dry_run: bool = False
    _lock: Lock = field(default_factory=Lock, init=False)
    _executing: set[int] = field(default_factory=set, init=False)
    # The last decision by fingerprint of its alert: a repeated decision is recorded once.
    _last_decisions: dict[str, tuple[float, str]] = field(default_factory=dict, init=False)

    def apply(self, plan: Plan, now: datetime) -> None:
        """Carry out a plan; raise `DatabaseError` if the database fails."""
        store, expected = self.store, plan.expected
        for service, seconds in plan.closed_circuits.items():
            if store.close_circuits(now, service).get(service):
                minutes = seconds / 60
                log.info("The circuit of %s is closed, %.0f min after it opened.", service, minutes)
        if expected.lost:
            store.mark_lost(expected.lost)
        firing = {alert.fingerprint for alert in expected.alerts}
        for row in store.mark_resolved(firing, now):
            log.info("%s is resolved after action %d.", row["alert"], row["id"])
        for fingerprint in self._last_decisions.keys() - firing:
            del self._last_decisions[fingerprint]
        for action in plan.resumed:
            self.submit(action)
        for action in plan.cancelled:
            message = "its alert was resolved before it could resume"
            self._finish(action, "cancelled", message, now)
        for decision in plan.decisions:
            if decision.action != "none":
                action = store.create(decision, now, dry_run=self.dry_run)
                self._last_decisions.pop(decision.alert.fingerprint, None)
                self._report(decision)
                if not self.dry_run:
                    self.submit(action)
            elif decision.code == BUDGET_EXHAUSTED:
                service = decision.alert.service
                if store.set_flag("circuit_open", now, service):
                    log.error("The circuit of %s is open: %s.", service, decision.reason)
        self._record_skipped([item for item in plan.decisions if item.action == "none"], now)

    def adopt(self, missed: Sequence[AlertmanagerAlert], now: datetime) -> None:
        """Store a notification about alerts of which none arrived."""
        if missed and (adopted := self.store.adopt(missed, now)):
            self.metrics.count_notification(adopted, now)
            self.metrics.adopted.inc(len(adopted.alerts))
            names = ", ".join(sorted({alert.name for alert in adopted.alerts}))
            log.warning("%s fires in Alertmanager without a notification: adopted.", names)

    def executing(self) -> Set[int]:
        """Return the ids of the actions that this process executes."""
        with self._lock:
            return frozenset(self._executing)

    def submit(self, action: Action) -> None:
        """Start an action, or resume one that a restart of the responder interrupted.

        An action that is submitted twice runs once.
        """
        with self._lock:
            if action.id in self._executing:
                return
            self._executing.add(action.id)
        # A daemon, so that it does not delay the end of this process; the next one resumes it.
        Thread(target=self._run, args=(action,), name="healing", daemon=True).start()

    def _record_skipped(self, skips: Sequence[Decision], now: datetime) -> None:
        """Record each decision for no action that differs from the alert's last one."""
        codes = {skip.alert.fingerprint: (skip.alert.firing_since, skip.code) for skip in skips}
        last = self._last_decisions
        changed = [
            skip
            for skip in skips
            if last.get(skip.alert.fingerprint) != codes[skip.alert.fingerprint]
        ]
        if changed:
            self.store.record_skipped(changed, now)
            last |= codes
        for skip in changed:
            self._report(skip)

    def _report(self, decision: Decision) -> None:
        alert, action, target = decision.alert, decision.action, decision.target
        log.info(
            "Decision on %s: %s: %s",
            alert.alert,
            f"{action} {target}" if action != "none" else "no action",
            decision.reason,
            extra={
                "alert": alert.alert,
                "action": action,
                "target": target or alert.instance or alert.service,
                "code": decision.code,
            },
        )
        self.metrics.decisions.labels(action, decision.code).inc()

    def _run(self, action: Action) -> None:
        try:
            state, message = self._execute(action)
            self._finish(action, state, message, utc_now())
        except DatabaseError as error:  # in the database it still runs, and is resumed later
            log.warning("The end of action %d is not recorded: %s", action.id, error)
        finally:
            with self._lock:
                self._executing.discard(action.id)

    def _execute(self, action: Action) -> tuple[str, str]:
        deadline = time.monotonic() + RETRY_TIMEOUT_S
        while True:
            try:
                if action.instances is None:
                    self.control_api.restart(action.target, action.grace_period, action.key)
                else:
                    self.control_api.scale(action.target, action.instances, action.key)
            except ControlApiUnavailableError as error:
                if time.monotonic() > deadline:
                    return "failed", str(error)
                time.sleep(RETRY_INTERVAL_S)
            except ControlApiError as error:
                return "failed", str(error)
            else:
                return "done", ""

    def _finish(self, action: Action, state: str, message: str, now: datetime) -> None:
        """Record and report the end of an action, unless it had ended before."""
        final = self.store.finish(action.id, state, message, now)
        if not final:
            return
        log.log(
            logging.WARNING if final == "failed" else logging.INFO,
            "Action %d, %s %s: %s%s",
            *(action.id, action.kind, action.target, final, f": {message}" if message else ""),
            extra={"alert": action.alert, "action_id": action.id, "state": final},
        )
        self.metrics.count_action(action, final)
