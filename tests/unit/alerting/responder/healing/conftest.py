"""A reconciler over a database, and the collaborators that a test controls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alertdrill_telemetry.metrics import Metrics
from alerting.responder.clients import AlertmanagerAlert, AlertmanagerClient, RuleEvaluators
from alerting.responder.healing.executor import Executor
from alerting.responder.healing.policy import Exclusion
from alerting.responder.healing.reconciler import Reconciler
from alerting.responder.healing.store import Action, ActiveAlert, HealingStore
from alerting.responder.metrics import ResponderMetrics
from tests.unit.alerting.responder.healing.samples import (
    BEGAN,
    FakeControlApi,
    instance,
    policy,
    rule,
)

POLICY = policy(
    InstanceDown=rule("restart", "it is down", grace_period=0),
    Saturated=rule("scale_out", "it is full"),
    Overprovisioned=rule("scale_in", "it idles"),
    ClockSkew=rule("none", "decide manually"),
).model_copy(
    update={"exclusions": [Exclusion(labels={"instance": "web-3"}, reason="under investigation")]}
)


class Stack(AlertmanagerClient):
    """What a reconciler observes, and the actions that it starts.

    It is an Alertmanager with `alerts`; None: all that fire in the database.
    """

    def __init__(self, store: HealingStore, notify: Callable[..., None]) -> None:
        super().__init__("")
        self.store = store
        # Stores a notification, by alert, status, start and labels.
        self.notify = notify
        states = {1: "stopped", 2: "ready", 3: "ready", 4: "standby"}
        self.control_api = FakeControlApi(*(instance(n, state) for n, state in states.items()))
        self.alerts: Sequence[AlertmanagerAlert] | None = None
        self.answers = True
        self.evaluators = Evaluators(self)
        self.submitted: list[Action] = []
        self.running = True
        self.start()

    def firing_alerts(self) -> Mapping[str, AlertmanagerAlert] | None:
        alerts = self.alerts
        if alerts is None:
            alerts = [to_alertmanager_alert(alert) for alert in self.store.firing()]
        return {alert.fingerprint: alert for alert in alerts} if self.answers else None

    def start(self, *, dry_run: bool = False) -> None:
        """Start a responder, in place of the one before."""
        self.registry = Metrics()  # each responder has its own
        metrics = ResponderMetrics(self.registry, [])
        self.reconciler = Reconciler(
            POLICY,
            self.store,
            control_api=self.control_api,
            alertmanager=self,
            evaluators=self.evaluators,
            executor=SubmittingExecutor(self, metrics, dry_run=dry_run),
            metrics=metrics,
        )

    def reconcile(self, *seconds: float) -> None:
        """Reconcile at each of these seconds after the alerts started."""
        for second in seconds:
            self.reconciler.reconcile(after(second))

    def finish_all(self, seconds: float) -> None:
        """End every action that runs, some seconds after the alerts started."""
        for action in self.store.recent_actions(after(seconds).timestamp()):
            self.store.finish(action.id, "done", "", after(seconds))

    def codes(self) -> list[str]:
        """Return the codes of the decisions, oldest first."""
        return [row["code"] for row in reversed(self.store.decisions(9999))]

    def metric(self, name: str, **labels: str) -> float | None:
        """Return the value of a metric."""
        return self.registry.registry.get_sample_value(f"responder_{name}", labels)


class Evaluators(RuleEvaluators):
    """A Prometheus that has all alerts of a stack as firing while `confirms` is true."""

    def __init__(self, stack: Stack) -> None:
        super().__init__("")
        self._stack = stack
        self.confirms = True

    def firing_alerts(self) -> Sequence[Mapping[str, str]]:
        return [alert.labels for alert in self._stack.store.firing()] if self.confirms else []


class SubmittingExecutor(Executor):
    """An executor whose actions run until a test ends them."""

    def __init__(self, stack: Stack, metrics: ResponderMetrics, *, dry_run: bool) -> None:
        super().__init__(stack.store, stack.control_api, metrics, dry_run=dry_run)
        self._stack = stack

    def executing(self) -> Set[int]:
        return {action.id for action in self._stack.submitted if self._stack.running}

    def submit(self, action: Action) -> None:
        self._stack.submitted.append(action)


def to_alertmanager_alert(firing: ActiveAlert, **changed: Any) -> AlertmanagerAlert:
    """Return a firing alert in the form of Alertmanager."""
    started_at = datetime.fromtimestamp(firing.firing_since, UTC)
    alert = AlertmanagerAlert(
        firing.fingerprint, firing.labels, started_at, silenced=False, notifies_responder=True
    )
    return replace(alert, **changed)


def after(seconds: float) -> datetime:
    """Return a time some seconds after the alerts started."""
    return BEGAN + timedelta(seconds=seconds)


@pytest.fixture
def stack(store: HealingStore, notify: Callable[..., None]) -> Stack:
    return Stack(store, notify)
