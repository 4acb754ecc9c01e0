from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from firedrill.runtimes.compose import keeper
from firedrill.runtimes.compose.deaths import SECOND
from firedrill.runtimes.compose.keeper import WINDOW, Keeper, keep
from firedrill.runtimes.compose.questions import AwayError, GoneError, RefusedError


class FakeEngine:
    """Tells of one death, and may be away."""

    def __init__(self, clock: "Clock") -> None:
        self.clock = clock
        self.state = "exited"
        self.policy = "unless-stopped"
        self.started: list[str] = []
        self.asked: list[tuple[int, int]] = []
        self.error: Exception | None = None

    def events(self, since: int, until: int) -> Sequence[Mapping[str, Any]]:
        if isinstance(self.error, AwayError) and not self.asked:
            self.asked.append((since, until))
            raise self.error
        self.asked.append((since, until))
        self.clock.now = until
        actor = {"ID": "id", "Attributes": {"name": "firedrill-web-1"}}
        return [{"Type": "container", "Action": "die", "Actor": actor, "timeNano": SECOND}]

    def inspect(self, name: str) -> Mapping[str, Any]:
        if isinstance(self.error, GoneError):
            raise self.error
        host = {"RestartPolicy": {"Name": self.policy}}
        return {"Id": "id", "HostConfig": host, "State": {"Status": self.state}}

    def start(self, name: str) -> None:
        if isinstance(self.error, RefusedError):
            raise self.error
        self.started.append(name)


class Clock:
    """Stands where it was put."""

    now = 100 * SECOND

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine(clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    monkeypatch.setattr(keeper, "ALIVE", tmp_path / "alive")
    return FakeEngine(clock)


@pytest.fixture
def kept(engine: FakeEngine, clock: Clock) -> Keeper:
    return Keeper(engine, clock)


def test_killed_container_is_started_once(kept: Keeper, engine: FakeEngine) -> None:
    kept.turn()
    kept.turn()
    assert engine.started == ["firedrill-web-1"]


def test_windows_overlap(kept: Keeper, engine: FakeEngine) -> None:
    kept.turn()
    kept.turn()
    (_, first), (second, _) = engine.asked
    assert second < first
    assert first - engine.asked[0][0] > WINDOW  # the first looks back


@pytest.mark.parametrize(("state", "policy"), [("running", "always"), ("exited", "no")])
def test_what_runs_or_ends_is_left_alone(
    kept: Keeper, engine: FakeEngine, state: str, policy: str
) -> None:
    engine.state, engine.policy = state, policy
    kept.turn()
    assert engine.started == []


@pytest.mark.parametrize("error", [GoneError("gone"), RefusedError("refused")])
def test_one_that_cannot_be_started_is_let_be(
    kept: Keeper, engine: FakeEngine, error: Exception
) -> None:
    engine.error = error
    kept.turn()
    engine.error = None
    kept.turn()
    assert engine.started == []


def test_absent_proxy_is_awaited(kept: Keeper, engine: FakeEngine) -> None:
    engine.error = AwayError("refused")
    pauses: list[float] = []

    class EnoughError(Exception):
        pass

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        engine.error = None

    def turn() -> None:
        if engine.started:
            raise EnoughError
        Keeper.turn(kept)

    kept.turn = turn  # type: ignore[method-assign]
    with pytest.raises(EnoughError):
        keep(kept, sleep)
    assert engine.started == ["firedrill-web-1"]
    assert pauses == [0.25]


def test_every_turn_is_a_sign_of_life(kept: Keeper) -> None:
    kept.turn()
    assert keeper.ALIVE.exists()
