"""A journal that alerts come into, and a healer over it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerting.responder.errors import ControlAwayError
from alerting.responder.healing.alertmanager import Held
from alerting.responder.healing.controls import Controls
from alerting.responder.healing.current import Current, Firing
from alerting.responder.healing.deeds import Deed, Deeds
from alerting.responder.healing.gauges import Gauges
from alerting.responder.healing.hands import Hands, Records
from alerting.responder.healing.healer import Healer
from alerting.responder.healing.policy import Excuse, Policy, Rule
from alerting.responder.healing.wish import Wish
from alerting.responder.healing.world import Instance, Service
from alerting.responder.journal import Journal
from alerting.responder.payload import Notification
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
    [Excuse({"instance": "web-3"}, "it is being looked at")],
    {
        "InstanceDown": [Rule({}, Wish("restart", "it is down", grace_period=0))],
        "Saturated": [Rule({}, Wish("scale_out", "it is full"))],
        "Overprovisioned": [Rule({}, Wish("scale_in", "it idles"))],
        "ClockSkew": [Rule({}, Wish("none", "a human decides"))],
    },
)


@dataclass
class Stack:
    """What the healer asks, has act and tells, in the hands of a test.

    `fires` is what Alertmanager holds; without it, all that the journal says.
    """

    journal: Journal
    records: Records
    metrics: Metrics = field(default_factory=Metrics)
    seen: Seen = field(default_factory=Seen)
    runtime: Runtime = field(
        default_factory=lambda: Runtime(
            [instance(1, "down"), instance(2), instance(3), instance(4, "standby")], SERVICES
        )
    )
    fires: Sequence[Held] | None = None
    asked: bool = True
    away: bool = False
    taken_up: list[Deed] = field(default_factory=list)
    running: bool = True

    def look(self) -> tuple[list[Instance], dict[str, Service]]:
        if self.away:
            raise ControlAwayError("it is away.")
        return self.runtime.instances, self.runtime.services

    def holds(self) -> Mapping[str, Held] | None:
        if not self.asked:
            return None
        fires = [held(each) for each in self.records.current.firing()]
        return {each.fingerprint: each for each in (fires if self.fires is None else self.fires)}

    def runs(self, deed: Deed) -> bool:
        return self.running and deed in self.taken_up

    def take_up(self, deed: Deed) -> None:
        self.taken_up.append(deed)


def held(firing: Firing, **changed: Any) -> Held:
    """Return an alert that fires as Alertmanager has it."""
    sick = firing.sick
    started_at = datetime.fromtimestamp(sick.since, UTC)
    made = Held(firing.fingerprint, sick.labels, started_at, silenced=False, tells=True)
    return replace(made, **changed)


def after(seconds: float) -> datetime:
    """Return a moment so long after the alerts started_at."""
    return BEGAN + timedelta(seconds=seconds)


def codes(stack: Stack) -> list[str]:
    """Return the codes of what was decided."""
    return [decision.code for decision in stack.seen.decisions]


@pytest.fixture
def records(journal: Journal) -> Records:
    path: Path = journal.path
    return Records(Current(path), Deeds(path), Controls(path))


@pytest.fixture
def stack(journal: Journal, records: Records) -> Stack:
    return Stack(journal, records)


@pytest.fixture
def healer(stack: Stack) -> Healer:
    return make(stack)


def make(stack: Stack, policy: Policy = POLICY, **mode: str) -> Healer:
    stack.metrics = Metrics()  # each responder has its own
    gauges = Gauges(stack.metrics)
    hands = Hands(stack, stack, stack, stack.seen, gauges)
    return Healer(policy, stack.records, hands, **mode)  # type: ignore[arg-type]


@pytest.fixture
def tell(journal: Journal, notification: Callable[..., Notification]) -> Callable[..., None]:
    """Return what brings a notification; a fingerprint of its own for each set of labels."""

    def bring(*values: str, at: datetime = BEGAN, **labels: str) -> None:
        made = notification(*values, **labels)
        (alert,) = made.alerts
        mark = ",".join(f"{name}={value}" for name, value in sorted(alert.labels.items()))
        alerts = (replace(alert, fingerprint=mark),)
        journal.record(replace(made, alerts=alerts, payload="{}"), at)

    return bring
