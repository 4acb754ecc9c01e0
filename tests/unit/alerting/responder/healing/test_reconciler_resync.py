"""The reconciler confirms alerts in Alertmanager, and adopts missed ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from alerting.responder.healing.alertmanager import AlertmanagerAlert
from alerting.responder.healing.reconciler import Reconciler
from tests.unit.alerting.responder.healing.conftest import (
    BEGAN,
    Stack,
    after,
    codes,
    to_alertmanager_alert,
)
from tests.unit.alerting.responder.healing.samples import LIMITS

Notify = Callable[..., None]
DOWN = {"alertname": "InstanceDown", "service": "web", "instance": "web-1"}
MISSED = AlertmanagerAlert("f", DOWN, BEGAN, silenced=False, notifies_responder=True)


def test_silenced_alert_is_excluded(stack: Stack, reconciler: Reconciler, notify: Notify) -> None:
    notify()
    (firing,) = stack.stores.alerts.firing()
    stack.alertmanager_alerts = [
        to_alertmanager_alert(firing, silenced=True, notifies_responder=False)
    ]
    reconciler.reconcile(after(1))
    assert (stack.submitted, codes(stack)) == ([], ["excluded"])


def test_alert_that_alertmanager_lost_is_over(
    stack: Stack, reconciler: Reconciler, notify: Notify
) -> None:
    notify()
    stack.alertmanager_alerts = []
    reconciler.reconcile(after(1))
    assert stack.submitted == []
    assert stack.stores.alerts.firing() == []


def test_missed_alert_is_adopted(stack: Stack, reconciler: Reconciler) -> None:
    stack.alertmanager_alerts = [MISSED]
    reconciler.resync(after(LIMITS.staleness - 1))
    assert stack.stores.alerts.firing() == []
    reconciler.resync(after(LIMITS.staleness + 1))
    reconciler.reconcile(after(LIMITS.staleness + 1))
    assert [record.action.target for record in stack.submitted] == ["web-1"]


def test_silenced_alert_is_not_adopted(stack: Stack, reconciler: Reconciler) -> None:
    stack.alertmanager_alerts = [replace(MISSED, notifies_responder=False)]
    reconciler.resync(after(3600))
    assert stack.stores.alerts.firing() == []


def test_lost_alert_comes_back(stack: Stack, reconciler: Reconciler, notify: Notify) -> None:
    notify("ClockSkew")
    notify()
    alerts = [to_alertmanager_alert(alert) for alert in stack.stores.alerts.firing()]
    stack.alertmanager_alerts = []  # it has restarted
    reconciler.reconcile(after(1))
    assert stack.stores.alerts.firing() == []
    stack.alertmanager_alerts = alerts
    reconciler.resync(after(LIMITS.staleness + 1))
    assert len(stack.stores.alerts.firing()) == 2


def test_resolved_alert_is_not_adopted(
    stack: Stack, reconciler: Reconciler, notify: Notify
) -> None:
    notify()
    stack.alertmanager_alerts = [
        to_alertmanager_alert(alert) for alert in stack.stores.alerts.firing()
    ]
    notify("InstanceDown", "resolved")
    reconciler.resync(after(3600))
    assert stack.stores.alerts.firing() == []


def test_fresh_notification_counts_without_alertmanager(
    stack: Stack, reconciler: Reconciler, notify: Notify
) -> None:
    stack.alertmanager_answers = False
    notify()
    reconciler.reconcile(after(1))
    assert len(stack.submitted) == 1


def test_stale_notification_does_not_count(
    stack: Stack, reconciler: Reconciler, notify: Notify
) -> None:
    stack.alertmanager_answers = False
    notify()
    reconciler.reconcile(after(LIMITS.staleness + 1))
    assert codes(stack) == ["unconfirmed"]


@pytest.mark.parametrize("fires", [[], [MISSED]], ids=["nothing", "another"])
def test_manual_alert_needs_no_confirmation(
    stack: Stack, reconciler: Reconciler, notify: Notify, fires: list[AlertmanagerAlert]
) -> None:
    stack.alertmanager_alerts = fires
    notify("ClockSkew")
    reconciler.reconcile(after(1))
    assert len(stack.stores.alerts.firing()) == 1
