import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from alertdrill.cli import app
from alertdrill.cli import load as load_commands
from alertdrill.loads import locust_runner
from alertdrill.loads.errors import LoadError
from alertdrill.loads.run import LoadSize
from alertdrill.settings import StackSettings
from tests.unit.alertdrill.loads.samples import capacity_of, report
from tests.unit.apps.instance import poll_until

Run = Callable[..., Result]


def native(*services: str) -> Any:
    return SimpleNamespace(
        name="native",
        status=lambda: [SimpleNamespace(service=name, pid=1) for name in services],
        addresses=lambda: {"Services": "http://127.0.0.1:8080/"},
        address=lambda _: "http://127.0.0.1:9090",
        speed=1.0,
    )


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """Record the loads to run instead of running them."""
    calls: list[Any] = []

    def run(*arguments: Any) -> Any:
        calls.append(arguments)
        return report(failures=0)

    monkeypatch.setattr(load_commands, "run", run)
    monkeypatch.setattr("alertdrill.settings.current", lambda: StackSettings(tmp_path))
    return calls


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, runs: list[Any]) -> Run:
    monkeypatch.setattr(load_commands, "select_runtime", lambda *_: native("web-1"))
    return lambda *arguments: CliRunner().invoke(
        app.main, ["load", *arguments], env={"COLUMNS": "200"}
    )


def test_load_has_the_size_of_its_profile(load: Run, runs: list[Any]) -> None:
    assert load("spike").exit_code == 0
    [(profile, size, *_)] = runs
    assert (profile.name, size) == ("spike", LoadSize(72, 900))


def test_users_and_duration_override_the_profile(load: Run, runs: list[Any]) -> None:
    assert load("steady", "--users", "5", "--duration", "90s").exit_code == 0
    assert runs[0][1] == LoadSize(5, 90)


def test_reports_are_written_and_their_path_is_printed(load: Run, tmp_path: Path) -> None:
    result = load()
    [folder] = (tmp_path / "loads").iterdir()
    assert {file.name for file in folder.iterdir()} == {"index.html", "report.json", "junit.xml"}
    assert json.loads((folder / "report.json").read_text())["runtime"] == "native"
    assert str(folder / "index.html") in result.stdout
    assert result.stdout.count("✓ holds") == 3


def test_missed_objective_exits_1(load: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_commands, "run", lambda *_: report())
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
    monkeypatch.setattr(load_commands, "select_runtime", lambda *_: native())
    result = load()
    assert result.exit_code == 1
    assert "start it with `make up`" in result.output
    assert runs == []


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], Any]]:
    """Record Locust's commands and their environments; all succeed."""
    calls: list[tuple[list[str], Any]] = []

    def output(command: list[str], environment: Any, _log: Path) -> str:
        calls.append((command, environment))
        return "[]"

    monkeypatch.setattr(locust_runner, "_run_locust", output)
    return calls


def test_native_load_targets_the_lb(commands: list[tuple[list[str], Any]], tmp_path: Path) -> None:
    run_load = locust_runner.native_runner(StackSettings(tmp_path), native("web-1"))
    assert run_load(report().profile, LoadSize(5, 90), tmp_path / "locust.html") == "[]"
    [(command, environment)] = commands
    assert command[command.index("--host") + 1] == "http://127.0.0.1:8080"
    assert command[command.index("--users") + 1] == "5"
    assert command[command.index("--run-time") + 1] == "90s"
    assert environment["LOAD_SHAPE"] == "spike"
    assert "--processes" not in command


def test_many_users_run_in_several_processes(
    commands: list[tuple[list[str], Any]], tmp_path: Path
) -> None:
    run_load = locust_runner.native_runner(StackSettings(tmp_path), native("web-1"))
    run_load(report().profile, LoadSize(601, 60), tmp_path / "locust.html")
    [(command, _)] = commands
    assert command[command.index("--processes") + 1] == "3"


def test_locust_is_a_prometheus_target_during_the_load(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    targets = tmp_path / "native/etc/prometheus/targets/load.json"
    targets_seen: list[Any] = []

    def output(_command: list[str], environment: Any, _log: Path) -> str:
        targets_seen.extend(json.loads(targets.read_text()))
        assert environment["LOCUST_METRICS_PORT"] == "8089"
        raise KeyboardInterrupt

    monkeypatch.setattr(locust_runner, "_run_locust", output)
    with pytest.raises(KeyboardInterrupt):
        locust_runner.native_runner(StackSettings(tmp_path), native("web-1"))(
            report().profile, LoadSize(1, 60), tmp_path / "locust.html"
        )
    assert [target["targets"] for target in targets_seen] == [["127.0.0.1:8089"]]
    assert json.loads(targets.read_text()) == []


@pytest.fixture
def compose_commands(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Record the other commands of Compose and docker; all succeed."""
    calls: list[tuple[str, ...]] = []
    command = "alertdrill.runtimes.compose.compose_cli"
    model = {"services": {"locust-worker": {"deploy": {"replicas": 3}}}}
    monkeypatch.setattr(f"{command}.docker", lambda: "docker")
    monkeypatch.setattr(
        f"{command}.ComposeCli.docker", lambda _, *arguments: calls.append(arguments)
    )
    monkeypatch.setattr(
        f"{command}.ComposeCli.run", lambda _, *arguments, **__: calls.append(arguments)
    )
    monkeypatch.setattr(f"{command}.ComposeCli.model", lambda *_, **__: model)
    monkeypatch.setattr(
        "alertdrill.runtimes.compose.docker_client.DockerClient.running", lambda _: []
    )
    return calls


def test_compose_load_runs_in_containers(
    commands: list[tuple[list[str], Any]], compose_commands: list[tuple[str, ...]], tmp_path: Path
) -> None:
    settings = StackSettings(tmp_path)
    locust_runner.compose_runner(settings)(
        report().profile, LoadSize(24, 60), tmp_path / "locust.html"
    )
    [(command, environment)] = commands
    assert command[:2] == ["docker", "compose"]
    assert "http://lb-on-services:8080" in command
    assert (command[command.index("--expect-workers") + 1], "--master" in command) == ("3", True)
    assert {"--use-aliases", "locust-master"} <= set(command)
    assert environment["LOAD_SHAPE"] == "spike"
    # What a run that was cut off has left goes first, and everything at the end.
    assert [arguments[0] for arguments in compose_commands] == ["rm", "rm", "up", "cp", "rm", "rm"]


def test_interrupted_compose_load_removes_its_containers(
    monkeypatch: pytest.MonkeyPatch, compose_commands: list[tuple[str, ...]], tmp_path: Path
) -> None:
    def interrupt(*_: Any) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(locust_runner, "_run_locust", interrupt)
    with pytest.raises(KeyboardInterrupt):
        locust_runner.compose_runner(StackSettings(tmp_path))(
            report().profile, LoadSize(24, 60), tmp_path / "locust.html"
        )
    assert [arguments[0] for arguments in compose_commands[-2:]] == ["rm", "rm"]


def test_load_is_refused_while_locusts_web_interface_runs(
    monkeypatch: pytest.MonkeyPatch, compose_commands: list[tuple[str, ...]], tmp_path: Path
) -> None:
    runs = [SimpleNamespace(service="locust-master")]
    monkeypatch.setattr(
        "alertdrill.runtimes.compose.docker_client.DockerClient.running", lambda _: runs
    )
    with pytest.raises(LoadError, match=r"^Locust's web interface runs"):
        locust_runner.compose_runner(StackSettings(tmp_path))(
            report().profile, LoadSize(24, 60), tmp_path / "locust.html"
        )
    assert compose_commands == []


def test_child_processes_of_locust_end_with_it(tmp_path: Path) -> None:
    """This holds even if Locust itself has already ended."""
    script = "import subprocess, sys; print(subprocess.Popen(['sleep', '60'], stdout=2).pid)"
    printed = locust_runner._run_locust(
        [sys.executable, "-c", script], os.environ, tmp_path / "log"
    )
    poll_until(lambda: gone(int(printed)), "the end of the child process")


def gone(pid: int) -> bool:
    """Return whether a process has ended or is a zombie."""
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True


def test_capacity_load_searches_and_writes_reports(
    load: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    runs: list[Any] = []

    def capacity(*arguments: Any) -> Any:
        runs.append(arguments[:2])
        return capacity_of(passed=40, missed=80)

    monkeypatch.setattr(load_commands, "find_capacity", capacity)
    result = load("capacity", "--for", "15s")
    assert result.exit_code == 0, result.output
    assert [(profile.name, size) for profile, size in runs] == [("capacity", LoadSize(40, 15))]
    assert "Capacity: 40 requests/s: 20 per instance of web (2)" in result.stdout
    [folder] = (tmp_path / "loads").iterdir()
    assert {file.name for file in folder.iterdir()} == {"index.html", "report.json", "junit.xml"}


def test_refused_annotation_does_not_fail_the_load(
    load: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise LoadError("Grafana took no note of the load.")

    monkeypatch.setattr(load_commands, "annotate", refuse)
    result = load()
    assert result.exit_code == 0
    assert "Grafana took no note" in result.stdout
