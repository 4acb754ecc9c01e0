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
from tests.unit.alertdrill.loads.samples import found, report
from tests.unit.apps.instance import poll_until

Run = Callable[..., Result]


def native(*found: str) -> Any:
    return SimpleNamespace(
        name="native",
        status=lambda: [SimpleNamespace(service=name, pid=1) for name in found],
        addresses=lambda: {"Services": "http://127.0.0.1:8080/"},
        address=lambda _: "http://127.0.0.1:9090",
        speed=1.0,
    )


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """Note what is to be run instead of running it."""
    calls: list[Any] = []

    def run(*arguments: Any) -> Any:
        calls.append(arguments)
        return report(failures=0)

    monkeypatch.setattr(load_commands, "run", run)
    monkeypatch.setattr("alertdrill.settings.current", lambda: StackSettings(tmp_path))
    return calls


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, asked: list[Any]) -> Run:
    monkeypatch.setattr(load_commands, "select_runtime", lambda *_: native("web-1"))
    return lambda *words: CliRunner().invoke(app.main, ["load", *words], env={"COLUMNS": "200"})


def test_shape_has_its_own_size(load: Run, asked: list[Any]) -> None:
    assert load("spike").exit_code == 0
    [(plan, size, *_)] = asked
    assert (plan.name, size) == ("spike", LoadSize(72, 900))


def test_size_may_be_chosen(load: Run, asked: list[Any]) -> None:
    assert load("steady", "--users", "5", "--duration", "90s").exit_code == 0
    assert asked[0][1] == LoadSize(5, 90)


def test_reports_are_written_and_told(load: Run, tmp_path: Path) -> None:
    result = load()
    [folder] = (tmp_path / "loads").iterdir()
    assert {file.name for file in folder.iterdir()} == {"index.html", "report.json", "junit.xml"}
    assert json.loads((folder / "report.json").read_text())["runtime"] == "native"
    assert str(folder / "index.html") in result.stdout
    assert result.stdout.count("✓ holds") == 3


def test_missed_objective_is_the_exit_code(load: Run, monkeypatch: pytest.MonkeyPatch) -> None:
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


@pytest.mark.parametrize("words", [["waves"], ["--users", "0"], ["--for", "soon"], ["--for", "0s"]])
def test_bad_options_are_refused(load: Run, asked: list[Any], words: list[str]) -> None:
    assert load(*words).exit_code in {1, 2}
    assert asked == []


def test_stack_that_is_down_is_told(
    load: Run, monkeypatch: pytest.MonkeyPatch, asked: list[Any]
) -> None:
    monkeypatch.setattr(load_commands, "select_runtime", lambda *_: native())
    result = load()
    assert result.exit_code == 1
    assert "start it with `make up`" in result.output
    assert asked == []


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], Any]]:
    """Note Locust's commands and their environments; all succeed."""
    calls: list[tuple[list[str], Any]] = []

    def output(command: list[str], environment: Any, _log: Path) -> str:
        calls.append((command, environment))
        return "[]"

    monkeypatch.setattr(locust_runner, "_run_locust", output)
    return calls


def test_native_load_goes_to_the_lb(commands: list[tuple[list[str], Any]], tmp_path: Path) -> None:
    make = locust_runner.native_runner(StackSettings(tmp_path), native("web-1"))
    assert make(report().profile, LoadSize(5, 90), tmp_path / "locust.html") == "[]"
    [(command, environment)] = commands
    assert command[command.index("--host") + 1] == "http://127.0.0.1:8080"
    assert command[command.index("--users") + 1] == "5"
    assert command[command.index("--run-time") + 1] == "90s"
    assert environment["LOAD_SHAPE"] == "spike"
    assert "--processes" not in command


def test_many_clients_have_several_processes(
    commands: list[tuple[list[str], Any]], tmp_path: Path
) -> None:
    make = locust_runner.native_runner(StackSettings(tmp_path), native("web-1"))
    make(report().profile, LoadSize(601, 60), tmp_path / "locust.html")
    [(command, _)] = commands
    assert command[command.index("--processes") + 1] == "3"


def test_prometheus_is_told_where_locust_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    targets = tmp_path / "native/etc/prometheus/targets/load.json"
    listed: list[Any] = []

    def output(_command: list[str], environment: Any, _log: Path) -> str:
        listed.extend(json.loads(targets.read_text()))
        assert environment["LOCUST_METRICS_PORT"] == "8089"
        raise KeyboardInterrupt

    monkeypatch.setattr(locust_runner, "_run_locust", output)
    with pytest.raises(KeyboardInterrupt):
        locust_runner.native_runner(StackSettings(tmp_path), native("web-1"))(
            report().profile, LoadSize(1, 60), tmp_path / "locust.html"
        )
    assert [target["targets"] for target in listed] == [["127.0.0.1:8089"]]
    assert json.loads(targets.read_text()) == []


@pytest.fixture
def composed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Note the other commands of Compose and docker; all succeed."""
    calls: list[tuple[str, ...]] = []
    command = "alertdrill.runtimes.compose.compose_cli"
    model = {"services": {"locust-worker": {"deploy": {"replicas": 3}}}}
    monkeypatch.setattr(f"{command}.docker", lambda: "docker")
    monkeypatch.setattr(f"{command}.ComposeCli.docker", lambda _, *words: calls.append(words))
    monkeypatch.setattr(f"{command}.ComposeCli.run", lambda _, *words, **__: calls.append(words))
    monkeypatch.setattr(f"{command}.ComposeCli.model", lambda *_, **__: model)
    monkeypatch.setattr(
        "alertdrill.runtimes.compose.project_containers.Engine.running", lambda _: []
    )
    return calls


def test_load_of_containers_comes_from_inside(
    commands: list[tuple[list[str], Any]], composed: list[tuple[str, ...]], tmp_path: Path
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
    assert [words[0] for words in composed] == ["rm", "rm", "up", "cp", "rm", "rm"]


def test_containers_end_with_ctrl_c(
    monkeypatch: pytest.MonkeyPatch, composed: list[tuple[str, ...]], tmp_path: Path
) -> None:
    def interrupt(*_: Any) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(locust_runner, "_run_locust", interrupt)
    with pytest.raises(KeyboardInterrupt):
        locust_runner.compose_runner(StackSettings(tmp_path))(
            report().profile, LoadSize(24, 60), tmp_path / "locust.html"
        )
    assert [words[0] for words in composed[-2:]] == ["rm", "rm"]


def test_locusts_page_is_not_disturbed(
    monkeypatch: pytest.MonkeyPatch, composed: list[tuple[str, ...]], tmp_path: Path
) -> None:
    runs = [SimpleNamespace(service="locust-master")]
    monkeypatch.setattr(
        "alertdrill.runtimes.compose.project_containers.Engine.running", lambda _: runs
    )
    with pytest.raises(LoadError, match=r"^Locust's web interface runs"):
        locust_runner.compose_runner(StackSettings(tmp_path))(
            report().profile, LoadSize(24, 60), tmp_path / "locust.html"
        )
    assert composed == []


def test_whatever_locust_started_ends_with_it(tmp_path: Path) -> None:
    """Also where Locust itself is gone already."""
    begun = "import subprocess, sys; print(subprocess.Popen(['sleep', '60'], stdout=2).pid)"
    printed = locust_runner._run_locust([sys.executable, "-c", begun], os.environ, tmp_path / "log")
    poll_until(lambda: gone(int(printed)), "the end of what it started")


def gone(pid: int) -> bool:
    """Tell whether a process has ended, also if it is a zombie."""
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True


def test_capacity_is_searched_for(
    load: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[Any] = []

    def capacity(*arguments: Any) -> Any:
        asked.append(arguments[:2])
        return found(passed=40, missed=80)

    monkeypatch.setattr(load_commands, "find_capacity", capacity)
    result = load("capacity", "--for", "15s")
    assert result.exit_code == 0, result.output
    assert [(plan.name, size) for plan, size in asked] == [("capacity", LoadSize(40, 15))]
    assert "Capacity: 40 requests/s: 20 per instance of web (2)" in result.stdout
    [folder] = (tmp_path / "loads").iterdir()
    assert {file.name for file in folder.iterdir()} == {"index.html", "report.json", "junit.xml"}


def test_grafana_that_refuses_fails_no_load(load: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise LoadError("Grafana took no note of the load.")

    monkeypatch.setattr(load_commands, "annotate", refuse)
    result = load()
    assert result.exit_code == 0
    assert "Grafana took no note" in result.stdout
