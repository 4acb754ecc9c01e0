from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from alertdrill.runtimes.compose.container_runtime import ContainerRuntime
from alertdrill.runtimes.compose.endpoints import HostEndpoints
from alertdrill.runtimes.compose.engine import Container
from alertdrill.runtimes.compose.errors import EngineError, UnknownTargetError
from alertdrill.settings import StackSettings
from tests.unit.alertdrill.runtimes.compose.conftest import container


class FakeEngine:
    """Remembers what it is asked; what it starts runs at once."""

    def __init__(self, *found: Container) -> None:
        self.found = {one.name: one for one in found}
        self.asked: list[tuple[object, ...]] = []

    def containers(self) -> Sequence[Container]:
        return list(self.found.values())

    def running(self) -> Sequence[Container]:
        return [one for one in self.found.values() if one.pid]

    def start(self, name: str) -> None:
        self.asked.append(("start", name))
        self.found[name] = container(name.removeprefix("alertdrill-"))

    def __getattr__(self, order: str) -> Any:
        return lambda *arguments: self.asked.append((order, *arguments))


class TwoOfEach:
    """A scale of two."""

    def get(self, service: str) -> int:
        return 2


def made(settings: StackSettings, *found: Container) -> tuple[ContainerRuntime, FakeEngine]:
    engine = FakeEngine(*found)
    fake: Any = engine
    return ContainerRuntime(settings, fake, TwoOfEach(), HostEndpoints(settings)), engine


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
def test_states_have_our_words(
    settings: StackSettings, state: str, health: str, shown: str
) -> None:
    runtime, _ = made(settings, container("lb-1"), container("web-1", state, health))
    assert [one.state for one in runtime.instances("web")] == [shown]


def test_stopped_beyond_the_scale_stands_by(settings: StackSettings) -> None:
    runtime, _ = made(settings, container("web-1"), container("web-3", "exited"))
    assert [one.state for one in runtime.status()] == ["ready", "standby"]


def test_nothing_runs_means_down(settings: StackSettings) -> None:
    runtime, _ = made(settings, container("web-1", "exited"))
    assert runtime.status() == []
    with pytest.raises(EngineError, match="start it with `make up`"):
        runtime.stop("web")


def test_one_shots_are_no_instances(settings: StackSettings) -> None:
    runtime, _ = made(settings, container("web-1"), container("init-config-1", "exited"))
    assert [one.name for one in runtime.status()] == ["web-1"]


def test_service_means_all_of_its_instances(settings: StackSettings) -> None:
    runtime, engine = made(settings, container("web-1"), container("web-2"), container("lb-1"))
    runtime.stop("web")
    assert sorted(engine.asked) == [("stop", "alertdrill-web-1"), ("stop", "alertdrill-web-2")]


def test_stopped_one_is_not_killed(settings: StackSettings) -> None:
    runtime, engine = made(settings, container("web-1"), container("web-2", "exited"))
    runtime.kill("web")
    assert engine.asked == [("signal", "alertdrill-web-1", "KILL")]


def test_start_returns_when_it_serves(settings: StackSettings) -> None:
    runtime, engine = made(settings, container("web-1"), container("web-2", "exited"))
    runtime.start("web-2")
    assert engine.asked == [("start", "alertdrill-web-2")]


def test_only_what_is_frozen_is_resumed(settings: StackSettings) -> None:
    runtime, engine = made(settings, container("web-1"), container("web-2", "paused"))
    runtime.resume("web")
    assert engine.asked == [("unpause", "alertdrill-web-2")]


def test_standby_instance_is_not_to_be_touched(settings: StackSettings) -> None:
    runtime, _ = made(settings, container("web-1"), container("web-4", "created"))
    with pytest.raises(UnknownTargetError, match="web-4 is on standby"):
        runtime.restart("web-4")


def test_restart_is_graceful_by_itself(settings: StackSettings) -> None:
    runtime, engine = made(settings, container("web-1"))
    runtime.restart("web-1")
    assert engine.asked == [("stop", "alertdrill-web-1"), ("start", "alertdrill-web-1")]


def test_restart_in_a_hurry_is_the_engines(settings: StackSettings) -> None:
    runtime, engine = made(settings, container("web-1"))
    runtime.restart("web-1", 0)
    assert engine.asked == [("restart", "alertdrill-web-1", 0)]


def test_label_says_who_heals(settings: StackSettings) -> None:
    labelled = replace(container("web-1"), heals=True)
    runtime, _ = made(settings, labelled, container("lb-1"))
    assert [one.heals for one in runtime.status()] == [True, False]


def test_unknown_target_is_named(settings: StackSettings) -> None:
    runtime, _ = made(settings, container("web-1"))
    with pytest.raises(UnknownTargetError, match="'wob-1'"):
        runtime.stop("wob-1")
    with pytest.raises(UnknownTargetError, match="'wob'"):
        runtime.instances("wob")
