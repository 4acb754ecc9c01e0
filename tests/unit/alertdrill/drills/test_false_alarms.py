from pathlib import Path
from typing import Any

import pytest

from alertdrill.drills import false_alarms, steady_state
from alertdrill.drills.drill import LoadSpec
from alertdrill.drills.errors import DrillError, UnreachableError, UnsteadyError
from alertdrill.drills.preflight import STEADY_FIXED_S, STEADY_SCALED_S
from tests.unit.alertdrill.drills.simulated_stack import SimulatedStack

WATCHDOG = {"alertname": "Watchdog", "severity": "none"}
SLOW = {"alertname": "Slow", "severity": "page", "service": "web", "instance": "web-1"}


class Room(SimulatedStack):
    """A stack to listen to; `firing` is by seconds since the beginning."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(folder, monkeypatch)
        monkeypatch.setattr(false_alarms, "time", self.clock)
        self.fires: list[tuple[float, float, dict[str, str]]] = []
        self.away = 0.0

    def firing_alerts(self) -> list[dict[str, str]]:
        since = self.clock.now - self.started
        if since < self.away:
            raise UnreachableError("Prometheus does not answer.")
        return [WATCHDOG, *(labels for at, to, labels in self.fires if at <= since < to)]

    def watch(self, seconds: float) -> list[str]:
        return false_alarms.watch(self.context(), seconds)


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Room:
    return Room(tmp_path, monkeypatch)


def test_watchdog_is_no_noise(room: Room) -> None:
    assert room.watch(30) == []
    assert room.clock.now - room.started == pytest.approx(30, abs=1)
    assert room.traffic.calls == [LoadSpec()]


def test_short_noise_is_heard(room: Room) -> None:
    room.fires = [(10, 10.5, SLOW)]
    assert room.watch(30) == ["Slow fired for instance=web-1, service=web."]


def test_noise_is_told_only_once(room: Room) -> None:
    room.fires = [(10, 12, SLOW), (20, 22, SLOW), (20, 22, {**SLOW, "instance": "web-2"})]
    assert room.watch(30) == [
        "Slow fired for instance=web-1, service=web.",
        "Slow fired for instance=web-2, service=web.",
    ]


def test_watch_begins_when_steady(room: Room) -> None:
    room.unsteady = (20.0, 0.0)
    assert room.watch(30) == []
    assert room.clock.now - room.started == pytest.approx(50, abs=1)


def test_noise_at_start_counts(room: Room) -> None:
    room.unsteady = (20.0, 0.0)
    room.fires = [(5, 6, {"alertname": "Plain"})]
    assert room.watch(10) == ["Plain fired."]
    # Alerts are no steady state: there is nothing more to wait for.
    assert room.clock.now - room.started < 20


def test_absent_prometheus_is_no_noise(room: Room) -> None:
    room.away = 10.0
    assert room.watch(30) == []


def test_stack_may_never_be_steady(room: Room) -> None:
    room.unsteady = (1e6, 0.0)
    room.runtime.speed = 10.0
    with pytest.raises(
        DrillError, match=r"^The stack did not reach its steady state: lb-1 is failed\.$"
    ):
        room.watch(30)
    limit = STEADY_FIXED_S + STEADY_SCALED_S / 10
    assert room.clock.now - room.started == pytest.approx(limit, abs=1)


def test_dead_load_ends_the_watch(room: Room) -> None:
    room.traffic.error = DrillError("Locust has ended: no output.")
    with pytest.raises(DrillError, match="Locust"):
        room.watch(30)


def test_alerts_alone_make_it_unsteady(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def require(_: object, load: LoadSpec, alert: str = "") -> None:
        seen.append(alert)
        if len(seen) < 3:
            raise UnsteadyError("Slow is firing.")

    monkeypatch.setattr(steady_state, "require", require)
    assert room.watch(1) == []
    assert seen[0] == ""
