"""A reconciler over a database, and the collaborators that a test controls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerting.responder.clients import AlertmanagerAlert
from alerting.responder.healing.executor import Executor
from alerting.responder.healing.policy import Exclusion, Policy
from alerting.responder.healing.reconciler import Reconciler
from alerting.responder.healing_store import ActionRecord, ActiveAlert, HealingStores
from alerting.responder.metrics import HealingMetrics
from apps.telemetry.metrics import Metrics
from tests.unit.alerting.responder.healing.samples import (
    BEGAN,
    SERVICES,
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


@dataclass
class Stack:
    """What a reconciler observes, and the actions that it starts.

    `alertmanager_alerts` are the alerts in Alertmanager; None: all that fire in the database.
    """

    stores: HealingStores
    # Stores a notification, by alert, status, start and labels.
    notify: Callable[..., None]
    metrics: Metrics = field(default_factory=Metrics)
    control_api: FakeControlApi = field(
        default_factory=lambda: FakeControlApi(
            [instance(1, "down"), instance(2), instance(3), instance(4, "standby")], SERVICES
        )
    )
    alertmanager_alerts: Sequence[AlertmanagerAlert] | None = None
    alertmanager_answers: bool = True
    submitted: list[ActionRecord] = field(default_factory=list)
    running: bool = True

    def firing_alerts(self) -> Mapping[str, AlertmanagerAlert] | None:
        if not self.alertmanager_answers:
            return None
        alerts = self.alertmanager_alerts
        if alerts is None:
            alerts = [to_alertmanager_alert(alert) for alert in self.stores.alerts.firing()]
        return {alert.fingerprint: alert for alert in alerts}

    def __post_init__(self) -> None:
        self.start()

    def start(self, policy: Policy = POLICY, *, dry_run: bool = False) -> None:
        """Start a responder, in place of the one before."""
        self.metrics = Metrics()  # each responder has its own
        metrics = HealingMetrics(self.metrics)
        self.reconciler = Reconciler(
            policy,
            self.stores,
            state_source=self.control_api,
            alert_source=self,
            executor=SubmittingExecutor(self, metrics, dry_run=dry_run),
            metrics=metrics,
        )

    def reconcile(self, *seconds: float) -> None:
        """Reconcile at each of these seconds after the alerts started."""
        for second in seconds:
            self.reconciler.reconcile(after(second))

    def resync(self, seconds: float) -> None:
        """Compare with Alertmanager, some seconds after the alerts started."""
        self.reconciler.resync(after(seconds))

    def codes(self) -> list[str]:
        """Return the codes of the decisions, oldest first."""
        return [row["code"] for row in reversed(self.stores.actions.decisions(9999))]


class SubmittingExecutor(Executor):
    """An executor whose actions run until a test ends them."""

    def __init__(self, stack: Stack, metrics: HealingMetrics, *, dry_run: bool) -> None:
        super().__init__(stack.stores, stack.control_api, metrics, dry_run=dry_run)
        self._stack = stack

    def executing(self) -> Set[int]:
        return {record.id for record in self._stack.submitted if self._stack.running}

    def submit(self, record: ActionRecord) -> None:
        self._stack.submitted.append(record)


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
def stack(stores: HealingStores, notify: Callable[..., None]) -> Stack:
    return Stack(stores, notify)
