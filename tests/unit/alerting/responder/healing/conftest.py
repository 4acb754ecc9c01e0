"""A journal that alerts come into, and a healer over it."""

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
    Runtime,
    Seen,
    instance,
)

# A little after the alerts of ../conftest.py started_at.
BEGAN = datetime(2025, 11, 23, 17, 0, 0, tzinfo=UTC)
POLICY = Policy(
    LIMITS,
    [Exclusion({"instance": "web-3"}, "it is being looked at")],
    {
        "InstanceDown": [PolicyEntry({}, HealingRule("restart", "it is down", grace_period=0))],
        "Saturated": [PolicyEntry({}, HealingRule("scale_out", "it is full"))],
        "Overprovisioned": [PolicyEntry({}, HealingRule("scale_in", "it idles"))],
        "ClockSkew": [PolicyEntry({}, HealingRule("none", "a human decides"))],
    },
)


@dataclass
class Stack:
    """What the healer asks, has act and tells, in the hands of a test.

    `fires` is what Alertmanager holds; without it, all that the journal says.
    """

    journal: NotificationStore
    stores: Stores
    metrics: Metrics = field(default_factory=Metrics)
    seen: Seen = field(default_factory=Seen)
    runtime: Runtime = field(
        default_factory=lambda: Runtime(
            [instance(1, "down"), instance(2), instance(3), instance(4, "standby")], SERVICES
        )
    )
    fires: Sequence[AlertmanagerAlert] | None = None
    asked: bool = True
    away: bool = False
    submitted: list[ActionRecord] = field(default_factory=list)
    running: bool = True

    def get_state(self) -> tuple[list[Instance], dict[str, Service]]:
        if self.away:
            raise ControlApiUnavailableError("it is away.")
        return self.runtime.instances, self.runtime.services

    def firing_alerts(self) -> Mapping[str, AlertmanagerAlert] | None:
        if not self.asked:
            return None
        fires = [held(each) for each in self.stores.alerts.firing()]
        return {each.fingerprint: each for each in (fires if self.fires is None else self.fires)}

    def is_running(self, deed: ActionRecord) -> bool:
        return self.running and deed in self.submitted

    def submit(self, deed: ActionRecord) -> None:
        self.submitted.append(deed)


def held(firing: ActiveAlert, **changed: Any) -> AlertmanagerAlert:
    """Return an alert that fires as Alertmanager has it."""
    target = firing.target
    started_at = datetime.fromtimestamp(target.firing_since, UTC)
    made = AlertmanagerAlert(
        firing.fingerprint, target.labels, started_at, silenced=False, notifies_responder=True
    )
    return replace(made, **changed)


def after(seconds: float) -> datetime:
    """Return a moment so long after the alerts started_at."""
    return BEGAN + timedelta(seconds=seconds)


def codes(stack: Stack) -> list[str]:
    """Return the codes of what was decided."""
    return [decision.code for decision in stack.seen.decisions]


@pytest.fixture
def stores(journal: NotificationStore) -> Stores:
    path: Path = journal.path
    return Stores(AlertStateStore(path), ActionStore(path), OperatorFlags(path))


@pytest.fixture
def stack(journal: NotificationStore, stores: Stores) -> Stack:
    return Stack(journal, stores)


@pytest.fixture
def healer(stack: Stack) -> Reconciler:
    return make(stack)


def make(stack: Stack, policy: Policy = POLICY, mode: Mode = "on") -> Reconciler:
    stack.metrics = Metrics()  # each responder has its own
    return Reconciler(
        policy,
        stack.stores,
        state_source=stack,
        alert_source=stack,
        executor=stack,
        observer=stack.seen,
        metrics=HealingMetrics(stack.metrics),
        mode=mode,
    )


@pytest.fixture
def tell(
    journal: NotificationStore, notification: Callable[..., Notification]
) -> Callable[..., None]:
    """Return what brings a notification; a fingerprint of its own for each set of labels."""

    def bring(*values: str, at: datetime = BEGAN, **labels: str) -> None:
        made = notification(*values, **labels)
        (alert,) = made.alerts
        mark = ",".join(f"{name}={value}" for name, value in sorted(alert.labels.items()))
        alerts = (replace(alert, fingerprint=mark),)
        journal.record(replace(made, alerts=alerts, payload="{}"), at)

    return bring
