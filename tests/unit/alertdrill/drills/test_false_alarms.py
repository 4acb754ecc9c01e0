from pathlib import Path

import pytest

from alertdrill.clients.http import UnreachableError
from alertdrill.drills import steady_state
from alertdrill.drills.model import STEADY, DrillError
from tests.unit.alertdrill.drills.simulated_stack import SimulatedStack

WATCHDOG = {"alertname": "Watchdog", "severity": "none"}
SLOW = {"alertname": "Slow", "severity": "page", "service": "web", "instance": "web-1"}


class WatchedStack(SimulatedStack):
    """A simulated stack; `fires` has (start, end, labels), in seconds since the start."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(folder, monkeypatch)
        self.fires: list[tuple[float, float, dict[str, str]]] = []
        self.away = 0.0

    def firing_alerts(self) -> list[dict[str, str]]:
        since = self.clock.now - self.started
        if since < self.away:
            raise UnreachableError("Prometheus does not answer.")
        return [WATCHDOG, *(labels for at, to, labels in self.fires if at <= since < to)]

    def watch(self, seconds: float) -> list[str]:
        return steady_state.watch_for_false_alarms(self.context(), seconds)


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WatchedStack:
    return WatchedStack(tmp_path, monkeypatch)


def test_watchdog_is_not_a_false_alarm(watched: WatchedStack) -> None:
    assert watched.watch(30) == []
    assert watched.clock.now - watched.started == pytest.approx(30, abs=1)
    assert watched.traffic.calls == [STEADY]


def test_each_alert_is_reported_once(watched: WatchedStack) -> None:
    # The first one is short.
    watched.fires = [(10, 10.5, SLOW), (20, 22, SLOW), (20, 22, {**SLOW, "instance": "web-2"})]
    assert watched.watch(30) == [
        "Slow fired for instance=web-1, service=web.",
        "Slow fired for instance=web-2, service=web.",
    ]


def test_watch_starts_at_the_steady_state(watched: WatchedStack) -> None:
    watched.unsteady = (20.0, 0.0)
    assert watched.watch(30) == []
    assert watched.clock.now - watched.started == pytest.approx(50, abs=1)


def test_alert_before_the_steady_state_is_reported(watched: WatchedStack) -> None:
    watched.unsteady = (20.0, 0.0)
    watched.fires = [(5, 6, {"alertname": "Plain"})]
    assert watched.watch(10) == ["Plain fired."]
    # An alert prevents the steady state, so the watch ends.
    assert watched.clock.now - watched.started < 20


def test_unreachable_prometheus_is_not_a_false_alarm(watched: WatchedStack) -> None:
    watched.away = 10.0
    assert watched.watch(30) == []


def test_missing_steady_state_is_an_error(watched: WatchedStack) -> None:
    watched.unsteady = (1e6, 0.0)
    watched.runtime.speed = 10.0
    with pytest.raises(
        DrillError, match=r"^The stack did not reach its steady state: lb-1 is failed\.$"
    ):
        watched.watch(30)
    limit = steady_state.max_wait(10)
    assert watched.clock.now - watched.started == pytest.approx(limit, abs=1)


def test_dead_load_ends_the_watch(watched: WatchedStack) -> None:
    watched.traffic.error = DrillError("Locust has ended: no output.")
    with pytest.raises(DrillError, match="Locust"):
        watched.watch(30)
