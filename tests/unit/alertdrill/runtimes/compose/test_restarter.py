from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from alertdrill.runtimes.compose import restarter as module
from alertdrill.runtimes.compose.exit_events import NS_PER_SECOND
from alertdrill.runtimes.compose.restarter import WINDOW_NS, Restarter, run_forever
from alertdrill.runtimes.compose.restarter_engine_client import (
    ContainerNotFoundError,
    ForbiddenError,
    UnavailableError,
)

NAME = "alertdrill-web-1"
BEGIN = 1000 * NS_PER_SECOND


class Clock:
    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> int:
        return self.now


class Engine:
    """One container, which was killed before the restarter started."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.state, self.policy, self.id = "exited", "unless-stopped", "id"
        self.rows: list[Mapping[str, Any]] = [event("die", BEGIN)]
        self.started: list[str] = []
        self.calls: list[tuple[int, int]] = []
        self.fails: list[Exception] = []
        self.lasts = WINDOW_NS

    def events(self, since: int, until: int) -> Sequence[Mapping[str, Any]]:
        self.calls.append((since, until))
        self.clock.now += self.lasts
        return [row for row in self.rows if since <= row["timeNano"] <= until]

    def inspect(self, name: str) -> Mapping[str, Any]:
        if self.fails:
            raise self.fails.pop(0)
        policy = {"RestartPolicy": {"Name": self.policy}}
        return {"Id": self.id, "HostConfig": policy, "State": {"Status": self.state}}

    def start(self, name: str) -> None:
        self.started.append(name)


def event(action: str, time_ns: int) -> Mapping[str, Any]:
    actor = {"ID": "id", "Attributes": {"name": NAME}}
    return {"Type": "container", "Action": action, "Actor": actor, "timeNano": time_ns}


@pytest.fixture(autouse=True)
def alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "ALIVE_FILE", tmp_path / "alive")
    return tmp_path / "alive"


@pytest.fixture
def engine() -> Engine:
    return Engine(Clock())


@pytest.fixture
def restarter(engine: Engine) -> Restarter:
    return Restarter(engine, engine.clock)


def levels(messages: str) -> Iterator[str]:
    return (json.loads(line)["level"] for line in messages.splitlines())


def test_killed_container_is_restarted_once(engine: Engine, restarter: Restarter) -> None:
    for _ in range(3):
        restarter.watch_window()
    assert engine.started == [NAME]


def test_stopped_container_is_left_alone(engine: Engine, restarter: Restarter) -> None:
    engine.rows = [*engine.rows, event("stop", BEGIN + 1)]
    restarter.watch_window()
    assert engine.started == []


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("policy", "no"),
        ("policy", "on-failure"),
        ("state", "running"),
        ("state", "restarting"),
        ("state", "removing"),
        ("id", "recreated"),
    ],
)
def test_container_that_should_not_run_is_not_restarted(
    engine: Engine, restarter: Restarter, attribute: str, value: str
) -> None:
    setattr(engine, attribute, value)
    for _ in range(2):
        restarter.watch_window()
    assert engine.started == []


@pytest.mark.parametrize("error", [ContainerNotFoundError("404"), ForbiddenError("403")])
def test_permanent_error_is_not_retried(
    engine: Engine, restarter: Restarter, error: Exception
) -> None:
    engine.fails = [error]
    for _ in range(3):
        restarter.watch_window()
    assert engine.started == []
    assert engine.fails == []


def test_failed_start_is_retried(engine: Engine, restarter: Restarter) -> None:
    engine.fails = [UnavailableError("500"), UnavailableError("500")]
    for _ in range(3):
        restarter.watch_window()
    assert engine.started == [NAME]


def test_windows_overlap(engine: Engine, restarter: Restarter) -> None:
    for _ in range(3):
        restarter.watch_window()
    assert engine.calls[0][0] < BEGIN - 59 * NS_PER_SECOND
    for (_, until), (since, _) in zip(engine.calls, engine.calls[1:], strict=False):
        assert since < until


def test_short_window_delays_the_restart(engine: Engine, restarter: Restarter) -> None:
    engine.lasts = NS_PER_SECOND // 2
    restarter.watch_window()
    assert engine.started == []  # the engine stopped before a `stop` event could arrive
    restarter.watch_window()
    assert engine.started == [NAME]


def test_clock_set_back_is_tolerated(engine: Engine, restarter: Restarter) -> None:
    restarter.watch_window()
    engine.clock.now -= 3600 * NS_PER_SECOND
    engine.rows = [event("start", engine.clock.now), event("die", engine.clock.now + 1)]
    restarter.watch_window()
    assert engine.calls[-1][0] < engine.calls[-1][1]


def test_every_window_writes_the_heartbeat(
    engine: Engine, restarter: Restarter, alive: Path
) -> None:
    restarter.watch_window()
    assert alive.exists()


def test_unavailable_proxy_is_retried(
    engine: Engine, restarter: Restarter, capsys: pytest.CaptureFixture[str]
) -> None:
    pauses: list[float] = []

    class EnoughError(Exception):
        """Ends the loop."""

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 6:
            raise EnoughError

    def away(since: int, until: int) -> Sequence[Mapping[str, Any]]:
        raise UnavailableError("connection refused")

    engine.events = away  # type: ignore[method-assign]
    with pytest.raises(EnoughError):
        run_forever(restarter, sleep)
    assert pauses == [0.25, 0.5, 1, 2, 2, 2]
    assert list(levels(capsys.readouterr().out)) == ["WARNING"]
