from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from alertdrill.config.services import SERVICES
from alertdrill.config.settings import StackSettings
from alertdrill.runtimes.base import instances_of
from alertdrill.runtimes.compose.containers import ContainerRuntime
from alertdrill.runtimes.compose.docker_client import Container
from alertdrill.runtimes.compose.endpoints import HostEndpoints
from alertdrill.runtimes.errors import EngineError, UnknownTargetError
from tests.unit.alertdrill.runtimes.compose.conftest import container


class FakeEngine:
    """Records calls and changes states at once; refuses what Docker refuses."""

    def __init__(self, *containers: Container) -> None:
        self.by_name = {instance.name: instance for instance in containers}
        self.calls: list[tuple[object, ...]] = []

    def containers(self) -> Sequence[Container]:
        return list(self.by_name.values())

    def running(self) -> Sequence[Container]:
        return [instance for instance in self.by_name.values() if instance.pid]

    def start(self, name: str) -> None:
        self.calls.append(("start", name))
        self.by_name[name] = container(name.removeprefix("alertdrill-"))

    def stop(self, *names: str, grace: float | None = None) -> None:
        for name in names:
            self.calls.append(("stop", name))
            self._set(name, "exited")

    def signal(self, name: str, signal: str) -> None:
        if not self.by_name[name].pid:
            raise EngineError(f"The engine refused: container {name} is not running.")
        self.calls.append(("signal", name, signal))
        if signal == "KILL":
            self._set(name, "exited")

    def unpause(self, name: str) -> None:
        if self.by_name[name].state != "paused":
            raise EngineError(f"The engine refused: container {name} is not paused.")
        self._set(name, "running")

    def restart(self, name: str, grace: float) -> None:
        self.calls.append(("restart", name, grace))
        self._set(name, "running")

    def _set(self, name: str, state: str) -> None:
        self.by_name[name] = container(name.removeprefix("alertdrill-"), state)


def states(runtime: ContainerRuntime) -> dict[str, str]:
    return {instance.name: instance.state for instance in runtime.status()}


class FakeContainers(ContainerRuntime):
    """The containers of a fake engine, with two replicas of every service."""

    def _replicas(self) -> Mapping[str, int]:
        return dict.fromkeys(SERVICES, 2)

    _publish, _scale_lock = _replicas, _replicas  # type: ignore[assignment]


def make_runtime(
    settings: StackSettings, *containers: Container
) -> tuple[ContainerRuntime, FakeEngine]:
    engine = FakeEngine(*containers)
    fake: Any = engine
    return FakeContainers(settings, fake, HostEndpoints(settings)), engine


@pytest.mark.parametrize(
    ("state", "health", "shown"),
    [
        ("running", "healthy", "ready"),
        ("running", "none", "ready"),
        ("running", "starting", "starting"),
        ("running", "unhealthy", "unready"),
        ("paused", "healthy", "paused"),
        ("restarting", "healthy", "starting"),
        ("created", "none", "standby"),
        ("exited", "none", "stopped"),
        ("dead", "none", "failed"),
    ],
)
def test_engine_states_are_mapped(
    settings: StackSettings, state: str, health: str, shown: str
) -> None:
    runtime, _ = make_runtime(settings, container("lb-1"), container("web-1", state, health))
    assert [instance.state for instance in instances_of("web", runtime.status())] == [shown]


def test_stopped_instance_above_the_replica_count_is_on_standby(settings: StackSettings) -> None:
    runtime, _ = make_runtime(settings, container("web-1"), container("web-3", "exited"))
    assert [instance.state for instance in runtime.status()] == ["ready", "standby"]


def test_stack_without_running_containers_is_down(settings: StackSettings) -> None:
    runtime, _ = make_runtime(settings, container("web-1", "exited"))
    assert runtime.status() == []
    with pytest.raises(EngineError, match="start it with `make up`"):
        runtime.stop("web")


def test_one_shot_containers_are_left_out(settings: StackSettings) -> None:
    runtime, _ = make_runtime(settings, container("web-1"), container("init-config-1", "exited"))
    assert [instance.name for instance in runtime.status()] == ["web-1"]


def test_service_selects_all_of_its_instances(settings: StackSettings) -> None:
    runtime, _ = make_runtime(settings, container("web-1"), container("web-2"), container("lb-1"))
    runtime.stop("web")
    assert states(runtime) == {"web-1": "stopped", "web-2": "stopped", "lb-1": "ready"}


def test_stopped_instance_is_not_killed(settings: StackSettings) -> None:
    runtime, engine = make_runtime(settings, container("web-1"), container("web-2", "exited"))
    runtime.kill("web")  # the engine refuses a signal to a stopped container
    assert engine.running() == []


def test_start_returns_when_the_instance_is_ready(settings: StackSettings) -> None:
    runtime, _ = make_runtime(settings, container("web-1"), container("web-2", "exited"))
    runtime.start("web-2")
    assert states(runtime) == {"web-1": "ready", "web-2": "ready"}


def test_only_frozen_instances_are_resumed(settings: StackSettings) -> None:
    runtime, _ = make_runtime(settings, container("web-1"), container("web-2", "paused"))
    runtime.resume("web")  # the engine refuses to resume a container that is not paused
    assert states(runtime) == {"web-1": "ready", "web-2": "ready"}


def test_standby_instance_is_refused(settings: StackSettings) -> None:
    runtime, _ = make_runtime(settings, container("web-1"), container("web-4", "created"))
    with pytest.raises(UnknownTargetError, match="web-4 is on standby"):
        runtime.restart("web-4")


def test_restart_without_grace_is_graceful(settings: StackSettings) -> None:
    runtime, engine = make_runtime(settings, container("web-1"))
    runtime.restart("web-1")
    assert engine.calls == [("stop", "alertdrill-web-1"), ("start", "alertdrill-web-1")]


def test_restart_with_grace_is_done_by_the_engine(settings: StackSettings) -> None:
    runtime, engine = make_runtime(settings, container("web-1"))
    runtime.restart("web-1", 0)
    assert engine.calls == [("restart", "alertdrill-web-1", 0)]


def test_heal_label_is_read(settings: StackSettings) -> None:
    labelled = replace(container("web-1"), healing_enabled=True)
    runtime, _ = make_runtime(settings, labelled, container("lb-1"))
    assert [instance.healing_enabled for instance in runtime.status()] == [True, False]


def test_unknown_target_is_named(settings: StackSettings) -> None:
    runtime, _ = make_runtime(settings, container("web-1"))
    with pytest.raises(UnknownTargetError, match="'wob-1'"):
        runtime.stop("wob-1")
    with pytest.raises(UnknownTargetError, match="'wob'"):
        instances_of("wob", runtime.status())
