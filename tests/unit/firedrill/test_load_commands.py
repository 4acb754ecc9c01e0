from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from firedrill import cli, load_commands
from firedrill.runtimes.compose.runtime import ComposeRuntime
from firedrill.settings import StackSettings


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[list[str], Any]]:
    """Note each command and its environment instead of running it; all succeed."""
    calls: list[tuple[list[str], Any]] = []

    def call(command: list[str], env: Any, **_: object) -> int:
        calls.append((command, env))
        return 0

    monkeypatch.setattr("subprocess.call", call)
    monkeypatch.setattr("firedrill.settings.current", lambda: StackSettings(tmp_path))
    return calls


def run(monkeypatch: pytest.MonkeyPatch, runtime: object, *arguments: str) -> Result:
    monkeypatch.setattr(load_commands, "choose", lambda *_: runtime)
    return CliRunner().invoke(cli.main, ["load", *arguments])


def native(*found: str) -> Any:
    services = {"Services": "http://127.0.0.1:8080/"}
    return SimpleNamespace(status=lambda: found, addresses=lambda: services)


def test_native_load_goes_to_the_lb(
    monkeypatch: pytest.MonkeyPatch, called: list[tuple[list[str], Any]]
) -> None:
    assert run(monkeypatch, native("web-1"), "--users", "5", "--for", "90s").exit_code == 0
    [(command, environment)] = called
    assert command[command.index("--host") + 1] == "http://127.0.0.1:8080"
    assert command[command.index("--users") + 1] == "5"
    assert command[command.index("--run-time") + 1] == "90s"
    assert environment["LOAD_SHAPE"] == "steady"


def test_load_of_containers_comes_from_inside(
    monkeypatch: pytest.MonkeyPatch, called: list[tuple[list[str], Any]], tmp_path: Path
) -> None:
    made = ComposeRuntime(StackSettings(tmp_path))
    monkeypatch.setattr(made, "status", lambda: ["web-1"])
    monkeypatch.setattr("firedrill.runtimes.compose.command.docker", lambda: "docker")
    assert run(monkeypatch, made).exit_code == 0
    [(command, _)] = called
    assert command[:2] == ["docker", "compose"]
    assert "http://lb-on-services:8080" in command
    assert "LOAD_SHAPE=steady" in command


def test_stack_that_is_down_is_told(
    monkeypatch: pytest.MonkeyPatch, called: list[tuple[list[str], Any]]
) -> None:
    result = run(monkeypatch, native())
    assert result.exit_code == 1
    assert "start it with `make up`" in result.output
    assert called == []
