from collections.abc import Mapping
from contextlib import nullcontext

import pytest

from alertdrill.config.services import SERVICES
from alertdrill.config.settings import StackSettings
from alertdrill.runtimes.base import instances_of
from alertdrill.runtimes.compose.containers import ContainerRuntime
from alertdrill.runtimes.engine import Container
from alertdrill.runtimes.errors import EngineError, StackUnavailableError, UnknownTargetError
from tests.unit.alertdrill.runtimes.fake_engine import FakeEngine


class FakeContainers(ContainerRuntime):
    """The containers of a fake engine, with two replicas of every service."""

    _engine = FakeEngine()

    def _instance_address(self, container: Container) -> str:
        return container.name

    def _replicas(self) -> Mapping[str, int]:
        return dict.fromkeys(SERVICES, 2)

    _publish, _scale_lock = _replicas, _replicas  # type: ignore[assignment]


def make_runtime(settings: StackSettings, *containers: str) -> tuple[FakeContainers, FakeEngine]:
    runtime, engine = FakeContainers(settings), FakeEngine(*containers)
    runtime._engine = engine
    return runtime, engine


def states(runtime: ContainerRuntime) -> dict[str, str]:
    return {instance.name: instance.state for instance in runtime.status()}


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ("running healthy", "ready"),
        ("running none", "ready"),
        ("running starting", "starting"),
        ("running unhealthy", "unready"),
        ("paused", "paused"),
        ("restarting", "starting"),
        ("created", "standby"),
        ("exited", "stopped"),
        ("dead", "failed"),
    ],
)
def test_engine_states_are_mapped(settings: StackSettings, state: str, shown: str) -> None:
    runtime, _ = make_runtime(settings, "lb-1", f"web-1 {state}")
    assert states(runtime) == {"lb-1": "ready", "web-1": shown}


def test_stopped_instance_above_the_replica_count_is_on_standby(settings: StackSettings) -> None:
    runtime, _ = make_runtime(settings, "web-1", "web-3 exited")
    assert states(runtime) == {"web-1": "ready", "web-3": "standby"}


def test_stack_without_running_containers_is_down(settings: StackSettings) -> None:
    runtime, _ = make_runtime(settings, "web-1 exited")
    assert runtime.status() == []
    with pytest.raises(StackUnavailableError, match="start it with `make up`"):
        runtime.stop("web")


@pytest.mark.parametrize("name", ["init-config-1", "web-release-1", "web-secrets-1"])
def test_one_shot_containers_are_left_out(settings: StackSettings, name: str) -> None:
    runtime, _ = make_runtime(settings, "web-1", f"{name} exited")
    assert list(states(runtime)) == ["web-1"]


def test_instance_has_its_process(settings: StackSettings) -> None:
    runtime, engine = make_runtime(settings, "web-1", "web-2 exited")
    engine.labels["web-1"] = {"alertdrill.heal": "true"}
    first, second = runtime.status()
    assert (first.pid, second.pid) == (7, None)
    assert first.uptime_seconds is not None
    assert second.uptime_seconds is None
    assert (first.healing_enabled, second.healing_enabled) == (True, False)


def test_service_selects_all_of_its_instances(settings: StackSettings) -> None:
    runtime, _ = make_runtime(settings, "web-1", "web-2", "lb-1")
    runtime.stop("web")
    assert states(runtime) == {"web-1": "stopped", "web-2": "stopped", "lb-1": "ready"}


@pytest.mark.parametrize(
    ("action", "others", "after"),
    [
        ("kill", "exited", "stopped"),  # the engine refuses a signal to a stopped container
        ("pause", "exited", "paused"),
        ("resume", "running", "ready"),  # it refuses to resume a container that is not paused
    ],
)
def test_instances_in_another_state_are_skipped(
    settings: StackSettings, action: str, others: str, after: str
) -> None:
    first = "paused" if action == "resume" else "running"
    runtime, _ = make_runtime(settings, "lb-1", f"web-1 {first}", f"web-2 {others}")
    getattr(runtime, action)("web")
    assert states(runtime)["web-1"] == after


def test_start_returns_when_the_instance_is_ready(settings: StackSettings) -> None:
    runtime, _ = make_runtime(settings, "web-1", "web-2 exited")
    runtime.start("web-2")
    assert states(runtime) == {"web-1": "ready", "web-2": "ready"}


@pytest.mark.parametrize(
    ("grace", "calls"), [(None, ["stop web-1", "start web-1"]), (0, ["restart web-1 0"])]
)
def test_restart_with_grace_is_done_by_the_engine(
    settings: StackSettings, grace: float | None, calls: list[str]
) -> None:
    runtime, engine = make_runtime(settings, "web-1")
    runtime.restart("web-1", grace)
    assert engine.calls == calls


def test_targets_that_should_not_run_are_refused(settings: StackSettings) -> None:
    runtime, _ = make_runtime(settings, "web-1", "web-4 created")
    with pytest.raises(UnknownTargetError, match="web-4 is on standby"):
        runtime.restart("web-4")
    with pytest.raises(UnknownTargetError, match="'wob-1'"):
        runtime.stop("wob-1")
    with pytest.raises(UnknownTargetError, match="'wob'"):
        instances_of("wob", runtime.status())


def test_scaling_is_undone_if_the_engine_refuses_a_start(
    settings: StackSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime, engine = make_runtime(settings, "web-1", "web-2", "web-3 exited", "web-4 exited")
    start = engine.start

    def refuse(name: str) -> None:
        if name.endswith("4"):
            raise EngineError("No.")
        start(name)

    monkeypatch.setattr(engine, "start", refuse)
    monkeypatch.setattr(runtime, "_scale_lock", nullcontext)
    with pytest.raises(EngineError):
        runtime.scale("web", 4, lambda _: None)
    assert engine.alive() == ["web-1", "web-2"]
