import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from alertdrill.drills.context import Traffic, needs_logs
from alertdrill.drills.model import NO_LOAD, DrillError, FaultSpec, LoadSpec
from alertdrill.drills.undo import TAG_VARIABLE
from tests.unit.alertdrill.drills.fakes import make_context, make_drill
from tests.unit.alertdrill.fake_runtime import FakeRuntime, instance


def test_stopped_component_is_not_missing(runtime: FakeRuntime) -> None:
    runtime.running = [instance("loki-1", state="stopped", pid=None), instance("web-1")]
    assert make_context(runtime, runtime.folder).missing_log_components() == ["collector"]


@pytest.mark.parametrize(
    ("names", "deployed"),
    [([], False), (["loki-1"], False), (["collector-1"], False), (["loki-1", "collector-1"], True)],
)
def test_log_store_needs_both_components(
    runtime: FakeRuntime, names: list[str], deployed: bool
) -> None:
    runtime.running = [instance(name) for name in names]
    context = make_context(runtime, runtime.folder)
    assert [evaluator.name for evaluator in context.evaluators] == [
        "Prometheus",
        *(["Loki"] if deployed else []),
    ]
    # The rule of this alert is in Loki, if there is one.
    assert context.evaluator("LogsMissing").name == ("Loki" if deployed else "Prometheus")
    assert context.evaluator("InstanceDown").name == "Prometheus"


@pytest.mark.parametrize(
    "fields",
    [
        {"alert": "LogsMissing"},
        {"fault": FaultSpec(kind="stop", target="loki")},
        {"fault": FaultSpec(kind="stop", target="collector-1")},
        {"fault": FaultSpec(kind="bad_config", parameters={"component": "loki"})},
    ],
)
def test_drill_of_the_log_pipeline_needs_logs(fields: Any) -> None:
    assert needs_logs(make_drill(**fields))


def test_other_drills_need_no_logs() -> None:
    assert not needs_logs(make_drill(fault=FaultSpec(kind="pause", target="data-service-1")))


# The load

SOME, MORE, NONE = LoadSpec(shape="steady", users=24), LoadSpec(shape="steady", users=60), NO_LOAD


class FakeLocust:
    """A process that runs until SIGTERM; a stubborn one until SIGKILL."""

    processes: list["FakeLocust"]
    stubborn = False

    def __init__(self, command: Sequence[str], **options: Any) -> None:
        self.command = command
        self.options = options
        self.signals: list[str] = []
        self.ended = False
        self.processes.append(self)

    def poll(self) -> int | None:
        return 0 if self.ended else None

    def terminate(self) -> None:
        self.signals.append("terminate")
        self.ended = not self.stubborn

    def kill(self) -> None:
        self.signals.append("kill")
        self.ended = True

    def wait(self, timeout: float = 0) -> int:
        if not self.ended:
            raise subprocess.TimeoutExpired("locust", timeout)
        return 0


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[FakeLocust]:
    monkeypatch.setattr(FakeLocust, "processes", [], raising=False)
    monkeypatch.setattr("alertdrill.drills.context.subprocess.Popen", FakeLocust)
    return FakeLocust.processes


@pytest.fixture
def traffic(tmp_path: Path, processes: list[FakeLocust]) -> Traffic:
    return Traffic("http://127.0.0.1:8080/", "the-run", tmp_path / "locust.log")


def test_load_process_has_the_tag(traffic: Traffic, processes: list[FakeLocust]) -> None:
    traffic.ensure(MORE)
    (process,) = processes
    command = " ".join(process.command)
    assert "-m locust" in command
    assert "--host http://127.0.0.1:8080 --users 60" in command
    assert process.options["env"][TAG_VARIABLE] == "the-run"
    assert process.options["env"]["LOAD_SHAPE"] == "steady"
    assert process.options["start_new_session"]


def test_one_load_runs_at_a_time(traffic: Traffic, processes: list[FakeLocust]) -> None:
    for spec, ended in (
        (SOME, [False]),
        (LoadSpec(shape="steady", users=24), [False]),  # the same one is kept
        (MORE, [True, False]),
        (NONE, [True, True]),
    ):
        traffic.ensure(spec)
        assert [process.ended for process in processes] == ended


def test_dead_load_is_started_again(traffic: Traffic, processes: list[FakeLocust]) -> None:
    traffic.ensure(SOME)
    processes[0].ended = True
    traffic.ensure(SOME)
    assert [process.ended for process in processes] == [True, False]


@pytest.mark.parametrize("stubborn", [False, True])
def test_load_is_stopped_once(
    traffic: Traffic, processes: list[FakeLocust], monkeypatch: pytest.MonkeyPatch, stubborn: bool
) -> None:
    monkeypatch.setattr(FakeLocust, "stubborn", stubborn)
    traffic.stop()
    traffic.ensure(SOME)
    traffic.stop()
    traffic.stop()
    assert processes[0].signals == ["terminate", *(["kill"] if stubborn else [])]
    traffic.require_running()  # no load is expected


@pytest.mark.parametrize(
    ("log", "reason"),
    [("first\nno such file.\n", "no such file"), ("", "no output")],
)
def test_dead_load_is_reported(
    traffic: Traffic, processes: list[FakeLocust], tmp_path: Path, log: str, reason: str
) -> None:
    traffic.ensure(SOME)
    traffic.require_running()
    processes[0].ended = True
    (tmp_path / "locust.log").write_text(log)
    with pytest.raises(DrillError, match=rf"^Locust has ended: {reason}\.$"):
        traffic.require_running()
