"""Alerts, instances, limits and fakes that the tests of healing share."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from threading import Event
from typing import Any

from alerting.responder.clients import ControlApiClient, Instance, Service, StackState
from alerting.responder.errors import ControlApiUnavailableError
from alerting.responder.healing.policy import HealingRule, Limits, Policy
from alerting.responder.healing.snapshot import StackSnapshot
from alerting.responder.healing.store import Action, ActiveAlert, Decision, HealingStore

# Shortly after the alerts of ../conftest.py started.
BEGAN = datetime(2025, 11, 23, 17, 0, 0, tzinfo=UTC)
NOW = 10_000.0
LIMITS = Limits(
    budget=5,
    window=600,
    cooldown=30,
    backoff_factor=2,
    max_cooldown=120,
    scale_out_stabilization=30,
    scale_in_stabilization=60,
    staleness=60,
)
HUNG = ActiveAlert(
    "InstanceHung", {"service": "web", "instance": "web-1"}, NOW - 10, NOW - 5, "print"
)
BUSY = ActiveAlert("Saturated", {"service": "web"}, NOW - 10, NOW - 5)
SERVICES = {
    name: Service(scale=scale, min_replicas=2, max_replicas=4, healing_enabled=True)
    for name, scale in {"web": 3, "data-service": 2}.items()
}


def instance(number: int, state: str = "ready", service: str = "web", **rest: Any) -> Instance:
    fields = {"state": state, "healing_enabled": True, **rest}
    return Instance(name=f"{service}-{number}", service=service, **fields)


SNAPSHOT = StackSnapshot(
    NOW,
    instances=[instance(1, "starting"), instance(2), instance(3), instance(4, "standby")],
    services=SERVICES,
)
RUNNING = Action("restart", "web", "web-1", 1000.5, None, 7, "InstanceHung", "print")


def rule(action: Any, reason: str, **options: Any) -> HealingRule:
    return HealingRule(action=action, reason=reason, **options)


def policy(**alerts: HealingRule) -> Policy:
    """Return a policy with a rule for each alert."""
    rules = {alert: [alert_rule] for alert, alert_rule in alerts.items()}
    return Policy(limits=LIMITS, alerts=rules)


def create(store: HealingStore, service: str = "web", **options: Any) -> Action:
    """Record a restart that starts now."""
    alert = replace(HUNG, labels={"service": service, "instance": f"{service}-1"})
    decision = Decision(alert, "restart", alert.instance, "approved", "it hangs", **options)
    return store.create(decision, BEGAN)


def wait(check: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 10
    while not check():
        assert time.monotonic() < deadline, f"gave up waiting for {what}"
        Event().wait(0.01)


def restarted(ago: float, number: int = 1, *, finished: bool = True) -> Action:
    """Return a restart that took 20 s and ended `ago` seconds ago, or one that has not ended."""
    ended_at = NOW - ago if finished else None
    return Action("restart", "web", f"web-{number}", NOW - ago - 20, ended_at)


def scaled(ago: float, kind: Any = "scale_out") -> Action:
    """Return a change of scale that took 5 s and ended `ago` seconds ago."""
    return Action(kind, "web", "web", NOW - ago - 5, NOW - ago)


class FakeControlApi(ControlApiClient):
    """A control API that records its calls.

    `down`: it does not answer a question. A call raises the next of `errors`, if there is one, or
    else does `act`.
    """

    def __init__(self, *instances: Instance) -> None:
        super().__init__("", "")
        self.instances = list(instances)
        self.services = dict(SERVICES)
        self.calls: list[tuple[object, ...]] = []
        self.down = False
        self.errors: list[Exception] = []
        self.act: Callable[[], object] = lambda: None

    def get_state(self) -> StackState:
        if self.down:
            raise ControlApiUnavailableError("it is away.")
        return StackState(instances=self.instances, services=self.services)

    def restart(self, instance: str, grace_period: float | None, key: str) -> None:
        self._record("restart", instance, grace_period, key)

    def scale(self, service: str, instances: int, key: str) -> None:
        self._record("scale", service, instances, key)

    def _record(self, *call: object) -> None:
        self.calls.append(call)
        if self.errors:
            raise self.errors.pop(0)
        self.act()
