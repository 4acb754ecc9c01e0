from typing import Any

import pytest

from alertdrill.runtimes.compose import lifecycle, scaling
from tests.unit.alertdrill.runtimes.compose.conftest import container
from tests.unit.alertdrill.runtimes.compose.test_container_runtime import FakeEngine


class FakeProject:
    """An engine with four containers of web, and a Compose that records its commands."""

    def __init__(self) -> None:
        self.engine = FakeEngine(
            container("web-1"),
            container("web-2"),
            container("web-3", "created"),
            container("web-4", "created"),
        )
        self.replicas: Any = self
        self.commands: list[tuple[str, ...]] = []
        self.cli: Any = self

    def all(self) -> dict[str, int]:
        return {"web": 2, "data-service": 3}

    def run(self, *arguments: str) -> str:
        self.commands.append(arguments)
        return ""


@pytest.fixture
def project() -> Any:
    return FakeProject()


def test_standby_instances_are_started(project: Any) -> None:
    assert scaling.start_replicas(project, "web", 4) == ["web-3", "web-4"]
    assert project.engine.calls == [("start", "alertdrill-web-3"), ("start", "alertdrill-web-4")]
    assert project.commands == []


def test_missing_standby_instances_are_created(project: Any) -> None:
    del project.engine.by_name["alertdrill-web-4"]
    scaling.start_replicas(project, "web", 4)
    assert project.commands[0][:2] == ("create", "--no-recreate")


def test_leaving_instance_is_not_expected(project: Any) -> None:
    messages: list[str] = []
    scaling.stop_replicas(project, "web", 1, messages.append)
    # The other service keeps its count.
    variables = ("--env", "WEB_INSTANCES=1", "--env", "DATA_SERVICE_INSTANCES=3")
    assert project.commands == [("run", "--rm", "--no-deps", *variables, "init-config")]
    assert project.engine.calls == [("stop", "alertdrill-web-2")]
    assert messages == ["web-2 is on standby"]


def test_new_instances_are_reported(project: Any) -> None:
    messages: list[str] = []
    scaling.start_replicas(project, "web", 3)
    scaling.stop_replicas(project, "web", 3, messages.append)
    assert messages == ["web-3 is ready"]


def test_failed_containers_last_line_is_shown(project: Any) -> None:
    project.engine.by_name = {
        instance.name: instance
        for instance in (
            container("init-config-1", "exited"),
            container("web-1", health="starting"),
            container("web-2", "restarting"),
        )
    }
    project.docker = lambda *_: "first\nlast\n"
    assert lifecycle._last_log_line(project) == " The last log line of web-2: last"
