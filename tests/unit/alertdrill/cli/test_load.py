import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from alertdrill.cli import app
from alertdrill.cli import load as load_commands
from alertdrill.config.settings import StackSettings
from tests.unit.alertdrill.load.samples import capacity_of, native
from tests.unit.alertdrill.load.samples import result as load_result

Run = Callable[..., Result]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """Record the loads to run instead of running them."""
    calls: list[Any] = []

    def run(*arguments: Any) -> Any:
        calls.append(arguments)
        return load_result(failures=0)

    monkeypatch.setattr(load_commands, "run", run)
    monkeypatch.setattr("alertdrill.config.settings.current", lambda: StackSettings(tmp_path))
    return calls


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, runs: list[Any]) -> Run:
    monkeypatch.setattr(load_commands, "select_stack_runtime", lambda *_: native("web-1"))
    return lambda *arguments: CliRunner().invoke(
        app.main, ["load", *arguments], env={"COLUMNS": "200"}
    )


def test_load_has_the_size_of_its_profile(load: Run, runs: list[Any]) -> None:
    assert load("steady").exit_code == 0
    [(profile, *_)] = runs
    assert (profile.name, profile.users, profile.duration) == ("steady", 24, 60)


@pytest.mark.parametrize(("instances", "users"), [(1, 42), (2, 84), (3, 126)])
def test_spike_has_the_size_of_the_stack(
    load: Run,
    runs: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    instances: int,
    users: int,
) -> None:
    names = [f"web-{number}" for number in range(1, instances + 1)]
    stack = native(*names, "data-service-1")
    monkeypatch.setattr(load_commands, "select_stack_runtime", lambda *_: stack)
    assert load("spike").exit_code == 0
    assert runs[0][0].users == users


def test_users_and_duration_override_the_profile(load: Run, runs: list[Any]) -> None:
    assert load("steady", "--users", "5", "--duration", "90s").exit_code == 0
    assert (runs[0][0].users, runs[0][0].duration) == (5, 90)


def test_reports_are_written_and_their_path_is_printed(load: Run, tmp_path: Path) -> None:
    result = load()
    [folder] = (tmp_path / "loads").iterdir()
    assert {file.name for file in folder.iterdir()} == {"index.html", "report.json", "junit.xml"}
    assert json.loads((folder / "report.json").read_text())["runtime"] == "native"
    assert str(folder / "index.html") in result.stdout
    assert result.stdout.count("✓ holds") == 3


def test_missed_objective_exits_1(load: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_commands, "run", lambda *_: load_result())
    result = load()
    assert result.exit_code == 1
    assert result.stdout.count("✗ missed") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_load_is_not_evaluated(
    load: Run, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    def interrupt(*_: Any) -> None:
        signal.raise_signal(number)

    monkeypatch.setattr(load_commands, "run", interrupt)
    result = load()
    assert result.exit_code == 130
    assert "no gate was evaluated" in result.stdout


@pytest.mark.parametrize(
    "arguments", [["waves"], ["--users", "0"], ["--for", "soon"], ["--for", "0s"]]
)
def test_invalid_options_are_refused(load: Run, runs: list[Any], arguments: list[str]) -> None:
    assert load(*arguments).exit_code in {1, 2}
    assert runs == []


def test_load_on_a_stopped_stack_is_refused(
    load: Run, monkeypatch: pytest.MonkeyPatch, runs: list[Any]
) -> None:
    monkeypatch.setattr(load_commands, "select_stack_runtime", lambda *_: native())
    result = load()
    assert result.exit_code == 1
    assert "start it with `make up`" in result.output
    assert runs == []


def test_capacity_load_searches_and_writes_reports(
    load: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    runs: list[Any] = []

    def capacity(*arguments: Any) -> Any:
        runs.append(arguments[0])
        return capacity_of(passed=40, missed=80)

    monkeypatch.setattr(load_commands, "find_capacity", capacity)
    result = load("capacity", "--for", "15s")
    assert result.exit_code == 0, result.output
    sizes = [(profile.name, profile.users, profile.duration) for profile in runs]
    assert sizes == [("capacity", 40, 15)]
    assert "Capacity: 40 requests/s: 20 per instance of web (2)" in result.stdout
    [folder] = (tmp_path / "loads").iterdir()
    assert {file.name for file in folder.iterdir()} == {"index.html", "report.json", "junit.xml"}
