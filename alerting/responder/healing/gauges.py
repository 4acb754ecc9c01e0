"""What metrics show of healing."""

from __future__ import annotations

import time
from collections.abc import Mapping

from apps.telemetry.metrics import Metrics

from .decide import APPROVED, CODES, Decision, left
from .deeds import STATES, Deed
from .limits import Limits
from .world import KINDS, Service, Sick, World


class Gauges:
    """The metrics of healing; a witness, too."""

    def __init__(self, metrics: Metrics) -> None:
        self._decisions = metrics.counter(
            "responder_decisions_total",
            "Decisions about alerts, by what is done and why; one that repeats counts once.",
            ("action", "code"),
        )
        self._actions = metrics.counter(
            "responder_actions_total", "Actions that ended, by how.", ("action", "state")
        )
        self._took = metrics.gauge(
            "responder_action_duration_seconds",
            "How long the last action about an alert took.",
            ("alert", "action"),
            mode="livemax",
        )
        self._paused = metrics.gauge(
            "responder_paused", "1 while a human has paused the responder.", mode="livemax"
        )
        self._circuit = metrics.gauge(
            "responder_circuit_open",
            "1 while nothing is done because the budget was spent.",
            mode="livemax",
        )
        self._budget = metrics.gauge(
            "responder_budget_remaining", "Actions that may still be taken.", mode="livemax"
        )
        self._min_replicas = metrics.gauge(
            "responder_min_replicas",
            "Instances of a service that serve at least.",
            ("scaled_service",),
            mode="livemax",
        )
        # From the start, so that the first of a kind is an increase.
        for code in CODES:
            if code != APPROVED:
                self._decisions.labels("none", code)
        for kind in KINDS:
            self._decisions.labels(kind, APPROVED)
            for state in STATES[1:]:
                self._actions.labels(kind, state)

    def on_decision(self, _sick: Sick, decision: Decision) -> None:
        """Count a decision."""
        self._decisions.labels(decision.action, decision.code).inc()

    def on_action_finished(self, deed: Deed, state: str, _said: str) -> None:
        """Count an action that finished_at, and show how long it took."""
        action = deed.action
        self._actions.labels(action.kind, state).inc()
        self._took.labels(deed.alert, action.kind).set(max(0.0, time.time() - action.started_at))

    def show(self, world: World, limits: Limits) -> None:
        """Show what keeps the responder from acting."""
        self._paused.set(world.paused)
        self._circuit.set(world.circuit_open is not None)
        self._budget.set(max(0, left(world, limits)))

    def scales(self, services: Mapping[str, Service]) -> None:
        """Show the floor of each service that may be scaled."""
        for name, service in services.items():
            if service.heals:
                self._min_replicas.labels(name).set(service.min_replicas)
