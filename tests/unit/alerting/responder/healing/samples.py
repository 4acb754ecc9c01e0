"""Alerts, instances and limits that the tests of healing share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from alerting.responder.healing.action_store import ActionRecord
from alerting.responder.healing.planner import Decision
from alerting.responder.healing.policy import Limits
from alerting.responder.healing.snapshot import (
    Action,
    AlertTarget,
    Instance,
    Service,
    StackSnapshot,
)

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
HUNG = AlertTarget("InstanceHung", {"service": "web", "instance": "web-1"}, NOW - 10, NOW - 5)
BUSY = AlertTarget("Saturated", {"service": "web"}, NOW - 10, NOW - 5)
SERVICES = {
    "web": Service(scale=3, min_replicas=2, max_replicas=4, healing_enabled=True),
    "data-service": Service(scale=2, min_replicas=2, max_replicas=4, healing_enabled=True),
}


def instance(number: int, state: Any = "ready", service: str = "web") -> Instance:
    return Instance(f"{service}-{number}", service, state, healing_enabled=True)


SNAPSHOT = StackSnapshot(
    NOW,
    [instance(1, "unready"), instance(2), instance(3), instance(4, "standby")],
    SERVICES,
)


def restarted(ago: float, number: int = 1, *, finished_at: bool = True) -> Action:
    started_at = NOW - ago
    return Action(
        "restart", "web", f"web-{number}", started_at, started_at + 1 if finished_at else None
    )


def scaled(ago: float, kind: Any = "scale_out") -> Action:
    return Action(kind, "web", "web", NOW - ago, NOW - ago + 1)


class RecordingObserver:
    """An observer that records the events."""

    def __init__(self) -> None:
        self.decisions: list[Decision] = []
        self.ends: list[tuple[int, str, str]] = []

    def on_decision(self, _target: AlertTarget, decision: Decision) -> None:
        self.decisions.append(decision)

    def on_action_finished(self, record: ActionRecord, state: str, message: str) -> None:
        self.ends.append((record.id, state, message))


class FakeControlApi:
    """A control API that records its calls."""

    def __init__(self, instances: Sequence[Instance], services: Mapping[str, Service]) -> None:
        self.instances = list(instances)
        self.services = dict(services)
        self.calls: list[tuple[object, ...]] = []

    def get_state(self) -> tuple[Sequence[Instance], Mapping[str, Service]]:
        return self.instances, self.services

    def restart(self, instance: str, grace_period: float | None, key: str) -> None:
        self.calls.append(("restart", instance, grace_period, key))

    def scale(self, service: str, instances: int, key: str) -> None:
        self.calls.append(("scale", service, instances, key))
