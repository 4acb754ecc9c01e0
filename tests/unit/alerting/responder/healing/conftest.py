"""A database with alerts, and a reconciler over it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerting.responder.errors import ControlApiUnavailableError
from alerting.responder.healing.action_store import ActionRecord, ActionStore
from alerting.responder.healing.alert_state_store import ActiveAlert, AlertStateStore
from alerting.responder.healing.alertmanager import AlertmanagerAlert
from alerting.responder.healing.healing_metrics import HealingMetrics
from alerting.responder.healing.interfaces import Stores
from alerting.responder.healing.operator_flags import OperatorFlags
from alerting.responder.healing.policy import Exclusion, HealingRule, Policy, PolicyEntry
from alerting.responder.healing.reconciler import Mode, Reconciler
from alerting.responder.healing.snapshot import Instance, Service
from alerting.responder.notification_store import NotificationStore
from alerting.responder.webhook_payload import Notification
from apps.telemetry.metrics import Metrics
from tests.unit.alerting.responder.healing.samples import (
    LIMITS,
    SERVICES,
    FakeControlApi,
    RecordingObserver,
    instance,
)

# Shortly after the alerts of ../conftest.py started.
BEGAN = datetime(2025, 11, 23, 17, 0, 0, tzinfo=UTC)
POLICY = Policy(
    LIMITS,
    [Exclusion({"instance": "web-3"}, "under investigation")],
    {
        "InstanceDown": [PolicyEntry({}, HealingRule("restart", "it is down", grace_period=0))],
        "Saturated": [PolicyEntry({}, HealingRule("scale_out", "it is full"))],
        "Overprovisioned": [PolicyEntry({}, HealingRule("scale_in", "it idles"))],
        "ClockSkew": [PolicyEntry({}, HealingRule("none", "decide manually"))],
    },
)


@dataclass
class Stack:
    """The collaborators of a reconciler, which a test controls.

    `alertmanager_alerts` are the alerts in Alertmanager; None: all that fire in the database.
    """

    store: NotificationStore
    stores: Stores
    metrics: Metrics = field(default_factory=Metrics)
    observer: RecordingObserver = field(default_factory=RecordingObserver)
    control_api: FakeControlApi = field(
        default_factory=lambda: FakeControlApi(
            [instance(1, "down"), instance(2), instance(3), instance(4, "standby")], SERVICES
        )
    )
    alertmanager_alerts: Sequence[AlertmanagerAlert] | None = None
    alertmanager_answers: bool = True
    control_api_down: bool = False
    submitted: list[ActionRecord] = field(default_factory=list)
    running: bool = True

    def get_state(self) -> tuple[list[Instance], dict[str, Service]]:
        if self.control_api_down:
            raise ControlApiUnavailableError("it is away.")
        return self.control_api.instances, self.control_api.services

    def firing_alerts(self) -> Mapping[str, AlertmanagerAlert] | None:
        if not self.alertmanager_answers:
            return None
        alerts = self.alertmanager_alerts
        if alerts is None:
            alerts = [to_alertmanager_alert(alert) for alert in self.stores.alerts.firing()]
        return {alert.fingerprint: alert for alert in alerts}

    def is_running(self, record: ActionRecord) -> bool:
        return self.running and record in self.submitted

    def submit(self, record: ActionRecord) -> None:
        self.submitted.append(record)


def to_alertmanager_alert(firing: ActiveAlert, **changed: Any) -> AlertmanagerAlert:
    """Return a firing alert in the form of Alertmanager."""
    target = firing.target
    started_at = datetime.fromtimestamp(target.firing_since, UTC)
    alert = AlertmanagerAlert(
        firing.fingerprint, target.labels, started_at, silenced=False, notifies_responder=True
    )
    return replace(alert, **changed)


def after(seconds: float) -> datetime:
    """Return a time some seconds after the alerts started."""
    return BEGAN + timedelta(seconds=seconds)


def codes(stack: Stack) -> list[str]:
    """Return the codes of the decisions."""
    return [decision.code for decision in stack.observer.decisions]


@pytest.fixture
def stores(store: NotificationStore) -> Stores:
    path: Path = store.path
    return Stores(AlertStateStore(path), ActionStore(path), OperatorFlags(path))


@pytest.fixture
def stack(store: NotificationStore, stores: Stores) -> Stack:
    return Stack(store, stores)


@pytest.fixture
def reconciler(stack: Stack) -> Reconciler:
    return make(stack)


def make(stack: Stack, policy: Policy = POLICY, mode: Mode = "on") -> Reconciler:
    stack.metrics = Metrics()  # each responder has its own
    return Reconciler(
        policy,
        stack.stores,
        state_source=stack,
        alert_source=stack,
        executor=stack,
        observer=stack.observer,
        metrics=HealingMetrics(stack.metrics),
        mode=mode,
    )


@pytest.fixture
def notify(
    store: NotificationStore, notification: Callable[..., Notification]
) -> Callable[..., None]:
    """Return a function that stores a notification; the labels make the fingerprint."""

    def store_notification(*values: str, at: datetime = BEGAN, **labels: str) -> None:
        message = notification(*values, **labels)
        (alert,) = message.alerts
        fingerprint = ",".join(f"{name}={value}" for name, value in sorted(alert.labels.items()))
        alerts = (replace(alert, fingerprint=fingerprint),)
        store.record(replace(message, alerts=alerts, payload="{}"), at)

    return store_notification
