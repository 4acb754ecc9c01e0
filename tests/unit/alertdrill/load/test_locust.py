import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from alertdrill.config.settings import StackSettings
from alertdrill.load import locust
from alertdrill.load.locust import RequestStats, parse_stats, percentile
from alertdrill.load.profile import LoadError, LoadSize
from tests.unit.alertdrill.load.samples import native, report
from tests.unit.apps.instance import poll_until


def entry(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "method": "POST",
        "name": name,
        "num_requests": 20,
        "num_failures": 0,
        "response_times": {"10": 19, "250": 1},
        "num_reqs_per_sec": {"100": 12, "101": 8},
        "num_fail_per_sec": {},
        **fields,
    }


def test_total_adds_up_all_entries() -> None:
    other = entry("/b", num_failures=2, response_times={"300": 20}, num_fail_per_sec={"101": 2})
    stats = parse_stats(json.dumps([entry("/a"), other]))
    assert stats.total == RequestStats(40, 2, 0.3)
    assert stats.requests["POST", "/a"] == RequestStats(20, 0, 0.01)
    assert stats.rate == {100: 24, 101: 16}
    assert stats.failures == {101: 2}


def test_stats_are_those_of_the_master_process() -> None:
    text = json.dumps([]) + "\n" + json.dumps([entry("/a")]) + json.dumps([], indent=1)
    assert parse_stats(text).total.requests == 20


def test_no_requests_have_no_error_ratio() -> None:
    assert parse_stats("[]").total == RequestStats(0, 0, None)
    assert RequestStats(0, 0, None).errors == 0


@pytest.mark.parametrize("text", ["", "x", "{}x", '{"a": 1}', "[1]", '[{"name": "/"}]'])
def test_output_without_statistics_is_refused(text: str) -> None:
    with pytest.raises(LoadError, match="Locust printed no statistics"):
        parse_stats(text)


@pytest.mark.parametrize(
    ("times", "expected"),
    [({}, None), ({1: 1}, 1), ({1: 95, 2: 5}, 1), ({1: 94, 2: 6}, 2), ({3: 1, 1: 1}, 3)],
)
def test_percentile_is_the_nearest_rank(times: dict[float, int], expected: float | None) -> None:
    assert percentile(times, 0.95) == expected


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], Any]]:
    """Record Locust's commands and their environments; all succeed."""
    calls: list[tuple[list[str], Any]] = []

    def output(command: list[str], environment: Any, _log: Path) -> str:
        calls.append((command, environment))
        return "[]"

    monkeypatch.setattr(locust, "_run_locust", output)
    return calls


def test_native_load_targets_the_lb(commands: list[tuple[list[str], Any]], tmp_path: Path) -> None:
    run_load = locust.native_runner(StackSettings(tmp_path), native("web-1"))
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
    run_load = locust.native_runner(StackSettings(tmp_path), native("web-1"))
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

    monkeypatch.setattr(locust, "_run_locust", output)
    with pytest.raises(KeyboardInterrupt):
        locust.native_runner(StackSettings(tmp_path), native("web-1"))(
            report().profile, LoadSize(1, 60), tmp_path / "locust.html"
        )
    assert [target["targets"] for target in targets_seen] == [["127.0.0.1:8089"]]
    assert json.loads(targets.read_text()) == []


@pytest.fixture
def compose_commands(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Record the other commands of Compose and docker; all succeed."""
    calls: list[tuple[str, ...]] = []
    command = "alertdrill.runtimes.compose.project"
    model = {"services": {"locust-worker": {"deploy": {"replicas": 3}}}}
    monkeypatch.setattr(f"{command}.docker", lambda: "docker")
    monkeypatch.setattr(
        f"{command}.ComposeProject.docker", lambda _, *arguments: calls.append(arguments)
    )
    monkeypatch.setattr(
        f"{command}.ComposeProject.run", lambda _, *arguments, **__: calls.append(arguments)
    )
    monkeypatch.setattr(f"{command}.ComposeProject.model", lambda *_, **__: model)
    monkeypatch.setattr(f"{command}.ComposeProject.engine", SimpleNamespace(running=list))
    return calls


def test_compose_load_runs_in_containers(
    commands: list[tuple[list[str], Any]], compose_commands: list[tuple[str, ...]], tmp_path: Path
) -> None:
    settings = StackSettings(tmp_path)
    locust.compose_runner(settings)(report().profile, LoadSize(24, 60), tmp_path / "locust.html")
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

    monkeypatch.setattr(locust, "_run_locust", interrupt)
    with pytest.raises(KeyboardInterrupt):
        locust.compose_runner(StackSettings(tmp_path))(
            report().profile, LoadSize(24, 60), tmp_path / "locust.html"
        )
    assert [arguments[0] for arguments in compose_commands[-2:]] == ["rm", "rm"]


def test_load_is_refused_while_locusts_web_interface_runs(
    monkeypatch: pytest.MonkeyPatch, compose_commands: list[tuple[str, ...]], tmp_path: Path
) -> None:
    runs = [SimpleNamespace(service="locust-master")]
    engine = SimpleNamespace(running=lambda: runs)
    monkeypatch.setattr("alertdrill.runtimes.compose.project.ComposeProject.engine", engine)
    with pytest.raises(LoadError, match=r"^Locust's web interface runs"):
        locust.compose_runner(StackSettings(tmp_path))(
            report().profile, LoadSize(24, 60), tmp_path / "locust.html"
        )
    assert compose_commands == []


def test_child_processes_of_locust_end_with_it(tmp_path: Path) -> None:
    """This holds even if Locust itself has already ended."""
    script = "import subprocess, sys; print(subprocess.Popen(['sleep', '60'], stdout=2).pid)"
    printed = locust._run_locust([sys.executable, "-c", script], os.environ, tmp_path / "log")
    poll_until(lambda: gone(int(printed)), "the end of the child process")


def gone(pid: int) -> bool:
    """Return whether a process has ended or is a zombie."""
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True
