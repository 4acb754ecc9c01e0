import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from alertdrill.config.settings import StackSettings
from alertdrill.load import locust
from alertdrill.load.locust import parse_stats
from alertdrill.load.profile import LoadError, load_profile
from alertdrill.load.result import RequestStats
from tests.unit.alertdrill.load.samples import native
from tests.unit.telemetry.instance import poll_until

SPIKE = load_profile("spike").resized(5, 90)


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


@pytest.mark.parametrize(
    ("times", "p95"),
    [({"1": 1}, 1), ({"1": 95, "2": 5}, 1), ({"1": 94, "2": 6}, 2), ({"3": 1, "1": 1}, 3)],
)
def test_p95_is_the_nearest_rank(times: dict[str, int], p95: float) -> None:
    assert parse_stats(json.dumps([entry("/", response_times=times)])).total.p95 == p95 / 1000


def test_no_requests_have_no_error_ratio() -> None:
    stats = parse_stats("[]").total
    assert (stats, stats.errors) == (RequestStats(0, 0, None), 0)


@pytest.mark.parametrize("text", ["", "x", "[]x", '{"a": 1}', "[1]", '[{"name": "/"}]'])
def test_output_without_statistics_is_refused(text: str) -> None:
    with pytest.raises(LoadError, match="Locust printed no statistics"):
        parse_stats(text)


class FakeLocust:
    """Records Locust's command and its environment, and runs something instead."""

    def __init__(self) -> None:
        self.command: list[str] = []
        self.environment: dict[str, str] = {}
        self.while_running: Callable[[], Any] = lambda: None

    def run(self, command: list[str], environment: Any, _log: Path) -> str:
        self.command, self.environment = command, environment
        self.while_running()
        return "[]"

    def option(self, name: str) -> str:
        return self.command[self.command.index(name) + 1]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeLocust:
    fake_locust = FakeLocust()
    monkeypatch.setattr(locust, "_run_locust", fake_locust.run)
    return fake_locust


def interrupt() -> None:
    raise KeyboardInterrupt


def test_native_load_targets_the_lb(fake: FakeLocust, tmp_path: Path) -> None:
    run_load = locust.native_runner(StackSettings(tmp_path), native("web-1"))
    assert run_load(SPIKE, tmp_path / "locust.html") == "[]"
    assert fake.option("--host") == "http://127.0.0.1:8080"
    assert (fake.option("--users"), fake.option("--run-time")) == ("5", "90s")
    assert fake.environment["LOAD_SHAPE"] == "spike"
    assert "--processes" not in fake.command
    run_load(SPIKE.resized(601, 60), tmp_path / "locust.html")
    assert fake.option("--processes") == "3"


def test_locust_is_a_prometheus_target_during_the_load(fake: FakeLocust, tmp_path: Path) -> None:
    file = tmp_path / "native/etc/prometheus/targets/load.json"
    targets: list[Any] = []

    def while_running() -> None:
        targets.extend(json.loads(file.read_text()))
        interrupt()

    fake.while_running = while_running
    with pytest.raises(KeyboardInterrupt):
        locust.native_runner(StackSettings(tmp_path), native("web-1"))(SPIKE, tmp_path / "page")
    assert fake.environment["LOCUST_METRICS_PORT"] == "8089"
    assert [target["targets"] for target in targets] == [["127.0.0.1:8089"]]
    assert json.loads(file.read_text()) == []


@pytest.fixture
def running() -> list[Any]:
    """Return the containers that run."""
    return []


@pytest.fixture
def compose_commands(monkeypatch: pytest.MonkeyPatch, running: list[Any]) -> list[str]:
    """Record the other commands of Compose and docker; all succeed."""
    calls: list[str] = []
    model = {"services": {"locust-worker": {"deploy": {"replicas": 3}}}}
    module = "alertdrill.runtimes.compose.project"
    for name, fake_method in {
        "docker": lambda: "docker",
        "ComposeProject.docker": lambda _, *arguments: calls.append(arguments[0]),
        "ComposeProject.run": lambda _, *arguments, **__: calls.append(arguments[0]),
        "ComposeProject.model": lambda *_, **__: model,
    }.items():
        monkeypatch.setattr(f"{module}.{name}", fake_method)
    engine = SimpleNamespace(running=lambda: running)
    monkeypatch.setattr(f"{module}.ComposeProject.engine", engine)
    return calls


def test_compose_load_runs_in_containers(
    fake: FakeLocust, compose_commands: list[str], tmp_path: Path
) -> None:
    locust.compose_runner(StackSettings(tmp_path))(SPIKE, tmp_path / "locust.html")
    assert fake.command[:2] == ["docker", "compose"]
    assert fake.option("--host") == "http://lb-on-services:8080"
    assert fake.option("--expect-workers") == "3"
    assert {"--use-aliases", "locust-master", "--master"} <= set(fake.command)
    assert fake.environment["LOAD_SHAPE"] == "spike"
    # What a run that was cut off has left goes first, and everything at the end.
    assert compose_commands == ["rm", "rm", "up", "cp", "rm", "rm"]


def test_interrupted_compose_load_removes_its_containers(
    fake: FakeLocust, compose_commands: list[str], tmp_path: Path
) -> None:
    fake.while_running = interrupt
    with pytest.raises(KeyboardInterrupt):
        locust.compose_runner(StackSettings(tmp_path))(SPIKE, tmp_path / "locust.html")
    assert compose_commands[-2:] == ["rm", "rm"]


def test_load_is_refused_while_locusts_web_interface_runs(
    running: list[Any], compose_commands: list[str], tmp_path: Path
) -> None:
    running.append(SimpleNamespace(service="locust-master"))
    with pytest.raises(LoadError, match=r"^Locust's web interface runs"):
        locust.compose_runner(StackSettings(tmp_path))(SPIKE, tmp_path / "locust.html")
    assert compose_commands == []


def test_child_processes_of_locust_end_with_it(tmp_path: Path) -> None:
    """This holds even if Locust itself has already ended."""
    script = "import subprocess, sys; print(subprocess.Popen(['sleep', '60'], stdout=2).pid)"
    printed = locust._run_locust([sys.executable, "-c", script], os.environ, tmp_path / "log")
    poll_until(lambda: has_ended(int(printed)), "the end of the child process")


def has_ended(pid: int) -> bool:
    """Return whether a process has ended or is a zombie."""
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True
