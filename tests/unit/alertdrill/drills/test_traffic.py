import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from alertdrill.drills.drill import LoadSpec
from alertdrill.drills.errors import DrillError
from alertdrill.drills.marked import MARK
from alertdrill.drills.traffic import Traffic

SOME, MORE, NONE = LoadSpec("steady", 24), LoadSpec("steady", 60), LoadSpec(None, 0)


class FakeLocust:
    """A process that runs until it is asked to end; a stubborn one must be killed."""

    made: list["FakeLocust"]
    stubborn = False

    def __init__(self, command: Sequence[str], **options: Any) -> None:
        self.command = command
        self.options = options
        self.said: list[str] = []
        self.over = False
        self.made.append(self)

    def poll(self) -> int | None:
        return 0 if self.over else None

    def terminate(self) -> None:
        self.said.append("terminate")
        self.over = not self.stubborn

    def kill(self) -> None:
        self.said.append("kill")
        self.over = True

    def wait(self, timeout: float = 0) -> int:
        if not self.over:
            raise subprocess.TimeoutExpired("locust", timeout)
        return 0


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[FakeLocust]:
    monkeypatch.setattr(FakeLocust, "made", [], raising=False)
    monkeypatch.setattr("alertdrill.drills.traffic.subprocess.Popen", FakeLocust)
    return FakeLocust.made


@pytest.fixture
def traffic(tmp_path: Path, made: list[FakeLocust]) -> Traffic:
    return Traffic("http://127.0.0.1:8080/", "the-run", tmp_path / "locust.log")


def test_load_is_started_marked(traffic: Traffic, made: list[FakeLocust]) -> None:
    traffic.ensure(MORE)
    (process,) = made
    command = " ".join(process.command)
    assert "-m locust" in command
    assert "--host http://127.0.0.1:8080 --users 60" in command
    assert process.options["env"][MARK] == "the-run"
    assert process.options["env"]["LOAD_SHAPE"] == "steady"
    assert process.options["start_new_session"]


def test_same_load_is_kept(traffic: Traffic, made: list[FakeLocust]) -> None:
    traffic.ensure(SOME)
    traffic.ensure(LoadSpec("steady", 24))
    assert len(made) == 1


def test_other_load_replaces_it(traffic: Traffic, made: list[FakeLocust]) -> None:
    traffic.ensure(SOME)
    traffic.ensure(MORE)
    assert [process.over for process in made] == [True, False]
    traffic.ensure(NONE)
    assert made[1].over
    assert len(made) == 2


def test_dead_load_is_started_again(traffic: Traffic, made: list[FakeLocust]) -> None:
    traffic.ensure(SOME)
    made[0].over = True
    assert not traffic.is_running()
    traffic.ensure(SOME)
    assert traffic.is_running()


def test_stop_is_harmless_twice(traffic: Traffic, made: list[FakeLocust]) -> None:
    traffic.stop()
    traffic.ensure(SOME)
    traffic.stop()
    traffic.stop()
    assert made[0].said == ["terminate"]


def test_stubborn_load_is_killed(
    traffic: Traffic, made: list[FakeLocust], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeLocust, "stubborn", True)
    traffic.ensure(SOME)
    traffic.stop()
    assert made[0].said == ["terminate", "kill"]


def test_paused_load_comes_back(traffic: Traffic, made: list[FakeLocust]) -> None:
    traffic.ensure(MORE)
    traffic.pause()
    assert made[0].over
    traffic.require_running()  # it is meant to be away
    traffic.resume()
    traffic.resume()
    assert [process.over for process in made] == [True, False]
    assert "60" in made[1].command


def test_nothing_paused_is_nothing_resumed(traffic: Traffic, made: list[FakeLocust]) -> None:
    traffic.pause()
    traffic.resume()
    assert made == []


@pytest.mark.parametrize(
    ("log", "reason"),
    [("first\nno such file.\n", "no such file"), ("", "no output")],
)
def test_dead_load_is_told(
    traffic: Traffic, made: list[FakeLocust], tmp_path: Path, log: str, reason: str
) -> None:
    traffic.ensure(SOME)
    traffic.require_running()
    made[0].over = True
    (tmp_path / "locust.log").write_text(log)
    with pytest.raises(DrillError, match=rf"^Locust has ended: {reason}\.$"):
        traffic.require_running()
