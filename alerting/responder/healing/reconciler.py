"""The reconciler: confirm what fires, decide about each alert, start the approved actions."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

from ..errors import ControlApiError
from .action_store import ActionSpec
from .alert_state_store import ActiveAlert
from .healing_metrics import HealingMetrics
from .interfaces import AlertSource, Executor, StateSource, Stores
from .observers import Observer
from .planner import (
    APPROVED,
    BUDGET_EXHAUSTED,
    CONTROL_API_UNAVAILABLE,
    MANUAL,
    Decision,
    decide,
    priority,
)
from .policy import HealingRule, Policy
from .snapshot import AlertTarget, Instance, Service, StackSnapshot

Mode = Literal["on", "dry-run"]
# The change of scale of each action: one instance at a time, so that each shows its effect.
SCALE_STEPS = {"scale_out": 1, "scale_in": -1}
RESOLVED_FIRST = "its alert was resolved before it could resume"

log = logging.getLogger("healing")


class Reconciler:
    """Applies the policy to what fires; one thread at a time calls it, again and again."""

    def __init__(  # noqa: PLR0913 - collaborators, by name
        self,
        policy: Policy,
        stores: Stores,
        *,
        state_source: StateSource,
        alert_source: AlertSource,
        executor: Executor,
        observer: Observer,
        metrics: HealingMetrics,
        mode: Mode = "on",
    ) -> None:
        self._policy = policy
        self._stores = stores
        self._state_source = state_source
        self._alert_source = alert_source
        self._executor = executor
        self._observer = observer
        self._metrics = metrics
        self._mode = mode
        # The last decision by fingerprint of its alert: a repeated decision is recorded once.
        self._last_decisions: dict[str, tuple[float, str]] = {}

    def reconcile(self, now: datetime) -> None:
        """Decide about every alert that fires; raise `DatabaseError` if the database fails."""
        self._close_circuit_in_time(now)
        firing = self._confirm(self._stores.alerts.firing())
        self._close_resolved(firing, now)
        self._resume_interrupted(firing, now)
        rules = [(self._rule(alert), alert) for alert in firing]
        manual = [
            (alert, Decision("none", "", MANUAL, rule.reason))
            for rule, alert in rules
            if rule.action == "none"
        ]
        self._record_skipped(manual, now)
        if actionable := [(rule, alert) for rule, alert in rules if rule.action != "none"]:
            self._decide(actionable, now)
        self._metrics.update(self._snapshot(now, ((), {})), self._policy.limits)

    def resync(self, now: datetime) -> None:
        """Adopt missed alerts and update the metrics of the services, also if nothing fires.

        Raises `DatabaseError` if the database fails.
        """
        self._adopt_missed_alerts(now)
        try:
            _, services = self._state_source.get_state()
        except ControlApiError as error:
            log.debug("The state of the instances is unknown: %s", error)
            return
        self._metrics.update_min_replicas(services)

    # The alerts that fire

    def _confirm(self, firing: Sequence[ActiveAlert]) -> list[ActiveAlert]:
        """Return the alerts that still fire, each with the reason to exclude it, if any."""
        if not any(self._rule(alert).action != "none" for alert in firing):
            return list(firing)
        current = self._alert_source.firing_alerts()
        if current is None:
            return [self._with_exclusion(alert, confirmed=False) for alert in firing]
        lost = [alert.fingerprint for alert in firing if alert.fingerprint not in current]
        if lost:
            self._stores.alerts.mark_lost(lost)
        return [
            self._with_exclusion(alert, silenced=current[alert.fingerprint].silenced)
            for alert in firing
            if alert.fingerprint in current
        ]

    def _adopt_missed_alerts(self, now: datetime) -> None:
        """Adopt alerts that Alertmanager has had for a while, without a notification.

        Alertmanager does not notify again, until `repeat_interval` is over, if it believes that it
        has notified: for example after a restart with an old notification log.
        """
        notified = {alert.fingerprint for alert in self._stores.alerts.firing()}
        missed = [
            alert
            for alert in (self._alert_source.firing_alerts() or {}).values()
            if alert.notifies_responder
            and alert.fingerprint not in notified
            and (now - alert.starts_at).total_seconds() >= self._policy.limits.staleness
        ]
        if missed and (adopted := self._stores.alerts.adopt(missed, now)):
            names = ", ".join(sorted({alert.name for alert in adopted}))
            log.warning("%s fires in Alertmanager without a notification: adopted.", names)

    def _rule(self, alert: ActiveAlert) -> HealingRule:
        return self._policy.rule_for(alert.target.alert, alert.target.labels)

    def _with_exclusion(
        self, alert: ActiveAlert, *, confirmed: bool = True, silenced: bool = False
    ) -> ActiveAlert:
        exclusion = self._policy.exclusion_reason(alert.target.labels)
        if alert.taken_over:
            exclusion = "an operator cancelled its action"
        if silenced:
            exclusion = "the alert is silenced"
        target: AlertTarget = replace(alert.target, confirmed=confirmed, exclusion=exclusion)
        return replace(alert, target=target)

    def _close_resolved(self, firing: Iterable[ActiveAlert], now: datetime) -> None:
        fingerprints = {alert.fingerprint for alert in firing}
        for row in self._stores.actions.mark_resolved(fingerprints, now):
            log.info("%s is resolved after action %d.", row["alert"], row["id"])
        self._last_decisions = {
            fingerprint: decision
            for fingerprint, decision in self._last_decisions.items()
            if fingerprint in fingerprints
        }

    def _resume_interrupted(self, firing: Iterable[ActiveAlert], now: datetime) -> None:
        """Resume actions that a restart of the responder interrupted, if their alert fires."""
        fingerprints = {alert.fingerprint for alert in firing}
        for record in self._stores.actions.running():
            if self._executor.is_running(record):
                continue
            if record.fingerprint in fingerprints and record.state == "running":
                self._executor.submit(record)
            elif self._stores.actions.finish(record.id, "cancelled", RESOLVED_FIRST, now):
                self._observer.on_action_finished(record, "cancelled", RESOLVED_FIRST)

    def _close_circuit_in_time(self, now: datetime) -> None:
        opened = self._stores.flags.since("circuit_open")
        window = self._policy.limits.window
        if (
            opened is not None
            and now.timestamp() - opened >= window
            and self._stores.flags.close_circuit(now)
        ):
            log.info("The circuit is closed, %.0f min after it opened.", window / 60)

    # Decisions and actions

    def _decide(self, actionable: Sequence[tuple[HealingRule, ActiveAlert]], now: datetime) -> None:
        try:
            state = self._state_source.get_state()
        except ControlApiError as error:
            reason = f"the state of the instances is unknown: {error}"
            decision = Decision("none", "", CONTROL_API_UNAVAILABLE, reason)
            self._record_skipped([(alert, decision) for _, alert in actionable], now)
            return
        self._metrics.update_min_replicas(state[1])
        snapshot = initial = self._snapshot(now, state)
        skipped: list[tuple[ActiveAlert, Decision]] = []
        for rule, alert in sorted(actionable, key=lambda item: priority(item[1].target, initial)):
            decision = decide(rule, alert.target, snapshot, self._policy.limits)
            if decision.code == APPROVED:
                self._start_action(rule, alert, decision, snapshot)
            else:
                skipped.append((alert, decision))
            if decision.code == BUDGET_EXHAUSTED and self._stores.flags.set("circuit_open", now):
                log.error("The circuit is open: %s.", decision.reason)
            if decision.code in (APPROVED, BUDGET_EXHAUSTED):
                snapshot = self._snapshot(now, state)
        self._record_skipped(skipped, now)

    def _start_action(
        self, rule: HealingRule, alert: ActiveAlert, decision: Decision, snapshot: StackSnapshot
    ) -> None:
        instances = None
        if step := SCALE_STEPS.get(decision.action):
            instances = snapshot.services[alert.target.service].scale + step
        spec = ActionSpec(instances, rule.grace_period, dry_run=self._mode == "dry-run")
        now = datetime.fromtimestamp(snapshot.now, UTC)
        record = self._stores.actions.create(alert.fingerprint, alert.target, decision, spec, now)
        self._last_decisions.pop(alert.fingerprint, None)
        self._observer.on_decision(alert.target, decision)
        if not spec.dry_run:
            self._executor.submit(record)

    def _record_skipped(
        self, skipped: Iterable[tuple[ActiveAlert, Decision]], now: datetime
    ) -> None:
        """Record each decision for no action that differs from the alert's last one."""
        changed = [
            (alert, decision)
            for alert, decision in skipped
            if self._last_decisions.get(alert.fingerprint)
            != (alert.target.firing_since, decision.code)
        ]
        if not changed:
            return
        self._stores.actions.record_skipped(
            [(alert.fingerprint, alert.target, decision) for alert, decision in changed], now
        )
        for alert, decision in changed:
            self._last_decisions[alert.fingerprint] = (alert.target.firing_since, decision.code)
            self._observer.on_decision(alert.target, decision)

    def _snapshot(
        self, now: datetime, state: tuple[Sequence[Instance], Mapping[str, Service]]
    ) -> StackSnapshot:
        seconds, flags = now.timestamp(), self._stores.flags
        return StackSnapshot(
            now=seconds,
            instances=state[0],
            services=state[1],
            recent_actions=self._stores.actions.started_since(seconds - self._policy.limits.window),
            paused=flags.since("paused") is not None,
            budget_reset_at=flags.since("budget_reset") or 0.0,
            circuit_open=flags.since("circuit_open"),
        )
