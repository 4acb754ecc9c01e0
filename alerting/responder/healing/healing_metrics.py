"""The Prometheus metrics about decisions, actions and the circuit of healing."""

from __future__ import annotations

import time
from collections.abc import Mapping

from apps.telemetry.metrics import Metrics

from .action_store import STATES, ActionRecord
from .planner import APPROVED, CODES, Decision, budget_remaining
from .policy import Limits
from .snapshot import ACTION_KINDS, AlertTarget, Service, StackSnapshot


class HealingMetrics:
    """The metrics of healing; also an `Observer`."""

    def __init__(self, metrics: Metrics) -> None:
        self._decisions = metrics.counter(
            "responder_decisions_total",
            "Decisions about alerts, by action and code; a repeated decision counts once.",
            ("action", "code"),
        )
        self._actions = metrics.counter(
            "responder_actions_total", "Actions that ended, by final state.", ("action", "state")
        )
        self._duration = metrics.gauge(
            "responder_action_duration_seconds",
            "Duration of the last action for an alert.",
            ("alert", "action"),
            mode="livemax",
        )
        self._paused = metrics.gauge(
            "responder_paused", "1 while an operator has paused the responder.", mode="livemax"
        )
        self._circuit = metrics.gauge(
            "responder_circuit_open",
            "1 while the circuit is open because the budget was exhausted.",
            mode="livemax",
        )
        self._budget = metrics.gauge(
            "responder_budget_remaining", "Actions that the budget still allows.", mode="livemax"
        )
        self._min_replicas = metrics.gauge(
            "responder_min_replicas",
            "Minimum number of instances of a service.",
            ("scaled_service",),
            mode="livemax",
        )
        # From the start, so that the first event of a kind is an increase.
        for code in CODES:
            if code != APPROVED:
                self._decisions.labels("none", code)
        for kind in ACTION_KINDS:
            self._decisions.labels(kind, APPROVED)
            for state in STATES[1:]:
                self._actions.labels(kind, state)

    def on_decision(self, _target: AlertTarget, decision: Decision) -> None:
        """Count a decision."""
        self._decisions.labels(decision.action, decision.code).inc()

    def on_action_finished(self, record: ActionRecord, state: str, _message: str) -> None:
        """Count an action that ended, and set its duration."""
        action = record.action
        self._actions.labels(action.kind, state).inc()
        duration = max(0.0, time.time() - action.started_at)
        self._duration.labels(record.alert, action.kind).set(duration)

    def update(self, snapshot: StackSnapshot, limits: Limits) -> None:
        """Set the pause, the circuit and the budget."""
        self._paused.set(snapshot.paused)
        self._circuit.set(snapshot.circuit_open is not None)
        self._budget.set(max(0, budget_remaining(snapshot, limits)))

    def update_min_replicas(self, services: Mapping[str, Service]) -> None:
        """Set the minimum of each service with the heal label."""
        for name, service in services.items():
            if service.healing_enabled:
                self._min_replicas.labels(name).set(service.min_replicas)
