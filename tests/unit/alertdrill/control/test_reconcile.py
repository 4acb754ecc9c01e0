from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest

from alertdrill.control.reconcile import (
    MAX_SILENCE_S,
    RETRY_DELAY_NS,
    WINDOW_NS,
    ExitTracker,
    Reconciler,
)
from alertdrill.runtimes.engine import NS_PER_SECOND, ListedContainer, ProjectEngine
from alertdrill.runtimes.errors import EngineError, EngineUnavailableError

NAME = "alertdrill-web-1"
BEGIN = 1000 * NS_PER_SECOND


class Clock:
    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> int:
        return self.now


class FakeEngine(ProjectEngine):
    """One container, which was killed before the loop started."""

    def __init__(self, clock: Clock) -> None:
        super().__init__("tcp://127.0.0.1:1", "alertdrill")
        self.clock = clock
        self.state, self.policy, self.id = "exited", "always", "id"
        self.service = "web"
        self.rows: list[Mapping[str, Any]] = [event("die", BEGIN)]
        self.started: list[str] = []
        self.calls: list[tuple[int, int]] = []
        self.fails: list[Exception] = []
        self.window = WINDOW_NS

    def listed(self) -> Sequence[ListedContainer]:
        return [ListedContainer("id", NAME, self.service, self.state)]

    def events(self, actions: Iterable[str], since: int, until: int) -> Sequence[Mapping[str, Any]]:
        self.calls.append((since, until))
        self.clock.now += self.window
        return [
            row
            for row in self.rows
            if since <= row["timeNano"] <= until and row["Action"] in actions
        ]

    def inspect(self, name: str) -> Mapping[str, Any]:
        if self.fails:
            raise self.fails.pop(0)
        policy = {"RestartPolicy": {"Name": self.policy}}
        return {"Id": self.id, "HostConfig": policy, "State": {"Status": self.state}}

    def start(self, name: str) -> None:
        self.started.append(name)
        self.state = "running"

    def stop(self, name: str, grace: float | None = None, action: str = "stop") -> None:
        assert (grace, action) == (0, "restart")
        self.start(name)


def event(action: str, time_ns: int) -> Mapping[str, Any]:
    actor = {"ID": "id", "Attributes": {"name": NAME}}
    return {"Type": "container", "Action": action, "Actor": actor, "timeNano": time_ns}


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(Clock())


@pytest.fixture
def reconciler(engine: FakeEngine) -> Reconciler:
    return Reconciler(engine, engine.clock)


def test_killed_container_is_restarted_once(engine: FakeEngine, reconciler: Reconciler) -> None:
    for _ in range(3):
        reconciler.reconcile()
    assert engine.started == [NAME]


def test_event_of_another_kind_is_ignored(engine: FakeEngine, reconciler: Reconciler) -> None:
    engine.rows = [
        {**event("die", BEGIN), "Type": "volume"},
        {**event("start", BEGIN + 1), "Type": "network"},
    ]
    reconciler.reconcile()
    assert engine.started == []


@pytest.mark.parametrize(
    ("events", "restarted"),
    [
        ([("start", 1), ("die", 2)], True),
        ([("stop", 1), ("start", 2), ("die", 3)], True),
        ([("die", 1), ("stop", 1.1), ("start", 2), ("die", 3)], True),
        ([], False),
        ([("start", 1)], False),
        ([("die", 1), ("stop", 1.2)], False),
        ([("start", 0.5), ("die", 1), ("stop", 1.2)], False),
        # The `stop` event may precede the exit.
        ([("stop", 1), ("die", 1.001)], False),
        ([("die", 1), ("destroy", 1.2)], False),
        # Restarted by the engine or by hand.
        ([("die", 1), ("start", 1.2)], False),
        ([("die", 1), ("stop", 1.1), ("start", 1.2)], False),
    ],
)
def test_only_an_unexpected_exit_is_undone(
    engine: FakeEngine, reconciler: Reconciler, events: list[tuple[str, float]], restarted: bool
) -> None:
    engine.rows = [event(action, BEGIN + int(at * NS_PER_SECOND)) for action, at in events]
    for _ in range(4):
        reconciler.reconcile()
    assert engine.started == [NAME] * restarted


def test_repeated_event_counts_once_and_a_failed_start_waits() -> None:
    tracker, later = ExitTracker(), 100 * NS_PER_SECOND
    for action, second in (("die", 1), ("start", 2), ("die", 1)):
        tracker.record(action, "id", second * NS_PER_SECOND)
    assert tracker.unexpected(later) == frozenset()
    for _ in range(2):
        tracker.record("die", "id", 3 * NS_PER_SECOND)
        tracker.resolve("id")
    assert tracker.unexpected(later) == frozenset()
    tracker.record("die", "id", 4 * NS_PER_SECOND)
    tracker.postpone("id", later)
    assert tracker.unexpected(later + RETRY_DELAY_NS - 1) == frozenset()
    assert tracker.unexpected(later + RETRY_DELAY_NS) == {"id"}


def test_restarted_container_may_exit_again(engine: FakeEngine, reconciler: Reconciler) -> None:
    for _ in range(2):
        reconciler.reconcile()
    engine.state = "exited"
    engine.rows = [*engine.rows, event("die", engine.clock.now + 1)]
    for _ in range(3):
        reconciler.reconcile()
    assert engine.started == [NAME] * 2


def test_containers_are_kept_apart(engine: FakeEngine, reconciler: Reconciler) -> None:
    other = {"ID": "other", "Attributes": {"name": "alertdrill-web-2"}}
    engine.rows = [event("die", BEGIN), {**event("stop", BEGIN + 1), "Actor": other}]
    for _ in range(2):
        reconciler.reconcile()
    assert engine.started == [NAME]


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("policy", "no"),
        ("policy", "on-failure"),
        ("state", "running"),
        ("state", "created"),
        ("state", "restarting"),
        ("state", "removing"),
        ("id", "recreated"),
    ],
)
def test_container_that_should_not_run_is_not_restarted(
    engine: FakeEngine, reconciler: Reconciler, attribute: str, value: str
) -> None:
    setattr(engine, attribute, value)
    for _ in range(2):
        reconciler.reconcile()
    assert engine.started == []


@pytest.mark.parametrize("error", [EngineError("gone", 404), EngineError("no", 403)])
def test_permanent_error_is_not_retried(
    engine: FakeEngine, reconciler: Reconciler, error: Exception
) -> None:
    engine.fails = [error]
    for _ in range(3):
        reconciler.reconcile()
    assert engine.started == []
    assert engine.fails == []


def test_failed_start_is_retried(engine: FakeEngine, reconciler: Reconciler) -> None:
    engine.fails = [EngineUnavailableError("away"), EngineError("refused", 500)]
    for _ in range(3):
        reconciler.reconcile()
    assert engine.started == [NAME]


def test_windows_overlap(engine: FakeEngine, reconciler: Reconciler) -> None:
    for _ in range(3):
        reconciler.reconcile()
    assert engine.calls[0][0] < BEGIN - 59 * NS_PER_SECOND
    for (_, until), (since, _) in zip(engine.calls, engine.calls[1:], strict=False):
        assert since < until


def test_short_window_delays_the_restart(engine: FakeEngine, reconciler: Reconciler) -> None:
    engine.window = NS_PER_SECOND // 2
    reconciler.reconcile()
    assert engine.started == []  # the engine stopped before a `stop` event could arrive
    reconciler.reconcile()
    assert engine.started == [NAME]


def test_clock_set_back_is_tolerated(engine: FakeEngine, reconciler: Reconciler) -> None:
    reconciler.reconcile()
    engine.clock.now -= 3600 * NS_PER_SECOND
    engine.rows = [event("start", engine.clock.now), event("die", engine.clock.now + 1)]
    reconciler.reconcile()
    assert engine.calls[-1][0] < engine.calls[-1][1]


def test_two_replicas_start_a_container_once(engine: FakeEngine) -> None:
    replicas = [Reconciler(engine, engine.clock) for _ in range(2)]
    for _ in range(3):
        for reconciler in replicas:
            reconciler.reconcile()
    assert engine.started == [NAME]


def test_container_that_exited_long_before_is_left_alone(
    engine: FakeEngine, reconciler: Reconciler
) -> None:
    engine.rows = [event("die", BEGIN - 120 * NS_PER_SECOND)]
    for _ in range(3):
        reconciler.reconcile()
    assert engine.started == []  # the cause is unknown


class EnoughError(BaseException):
    """Ends the loop."""


def pauses(reconciler: Reconciler, count: int) -> list[float]:
    """Run the loop until it has paused `count` times; return the seconds of each pause."""
    seconds: list[float] = []

    def sleep(pause: float) -> None:
        seconds.append(pause)
        if len(seconds) == count:
            raise EnoughError

    with pytest.raises(EnoughError):
        reconciler.run_forever(sleep)
    return seconds


def test_unavailable_proxy_is_retried(
    engine: FakeEngine, reconciler: Reconciler, caplog: pytest.LogCaptureFixture
) -> None:
    def away(actions: Iterable[str], since: int, until: int) -> Sequence[Mapping[str, Any]]:
        raise EngineUnavailableError("connection refused")

    engine.events = away  # type: ignore[method-assign]
    assert pauses(reconciler, 6) == [0.25, 0.5, 1, 2, 2, 2]
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_loop_survives_an_unexpected_error(
    engine: FakeEngine, reconciler: Reconciler, caplog: pytest.LogCaptureFixture
) -> None:
    engine.fails = [KeyError("State")]
    answers = iter([*([engine.listed()] * 3)])

    def listed() -> Sequence[ListedContainer]:
        return next(answers)

    engine.listed = listed  # type: ignore[method-assign]
    assert len(pauses(reconciler, 2)) == 2  # the error, and the end of the answers
    assert engine.started == [NAME]
    assert "failed" in caplog.text


def test_loop_that_hangs_is_not_alive(
    engine: FakeEngine, reconciler: Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reconciler.is_alive()
    later = time.monotonic() + MAX_SILENCE_S
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert not reconciler.is_alive()
    reconciler.reconcile()
    assert reconciler.is_alive()


def reconcile_for(seconds: int, engine: FakeEngine, reconciler: Reconciler) -> None:
    end = engine.clock.now + seconds * NS_PER_SECOND
    while engine.clock.now < end:
        reconciler.reconcile()


def test_frozen_component_is_restarted_after_ten_seconds(
    engine: FakeEngine, reconciler: Reconciler
) -> None:
    engine.rows, engine.state, engine.service = [], "paused", "lb"
    reconcile_for(10, engine, reconciler)
    assert engine.started == []
    reconcile_for(20, engine, reconciler)
    assert engine.started == [NAME]


def test_component_that_is_resumed_and_paused_again_is_not_frozen(
    engine: FakeEngine, reconciler: Reconciler
) -> None:
    engine.rows, engine.service = [], "lb"
    for state in ("paused", "running", "paused"):
        engine.state = state
        reconcile_for(8, engine, reconciler)
    assert engine.started == []


def test_frozen_service_is_left_to_the_responder(
    engine: FakeEngine, reconciler: Reconciler
) -> None:
    engine.rows, engine.state = [], "paused"
    reconcile_for(60, engine, reconciler)
    assert engine.started == []


@pytest.mark.parametrize(
    ("service", "speed", "started"), [("lb", 1, 600), ("lb", 12, 50), ("web", 12, None)]
)
def test_stopped_component_is_started_after_a_while(
    engine: FakeEngine, service: str, speed: float, started: int | None
) -> None:
    reconciler = Reconciler(engine, engine.clock, speed)
    engine.rows, engine.service = [event("die", BEGIN), event("stop", BEGIN)], service
    reconcile_for((started or 100) - 4, engine, reconciler)
    assert engine.started == []
    reconcile_for(8, engine, reconciler)
    assert engine.started == ([NAME] if started else [])


def test_component_that_another_replica_restarted_is_left_alone(
    engine: FakeEngine, reconciler: Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.rows, engine.state, engine.service = [], "paused", "lb"
    monkeypatch.setattr(engine, "inspect", lambda _: {"State": {"Status": "running"}})
    reconcile_for(20, engine, reconciler)
    assert engine.started == []


def test_frozen_component_is_restarted_once_the_engine_answers(
    engine: FakeEngine, reconciler: Reconciler
) -> None:
    engine.rows, engine.state, engine.service = [], "paused", "lb"
    engine.fails = [EngineUnavailableError("down")]
    reconcile_for(20, engine, reconciler)
    assert engine.started == [NAME]
