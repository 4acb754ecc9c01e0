from typing import Any

import pytest

from alertdrill.runtimes.compose import scaling
from tests.unit.alertdrill.runtimes.compose.conftest import container
from tests.unit.alertdrill.runtimes.compose.test_containers import FakeEngine


class FakeProject:
    """An engine with four containers of web, and a Compose that creates and publishes."""

    def __init__(self) -> None:
        self.engine = FakeEngine(
            container("web-1"),
            container("web-2"),
            container("web-3", "created"),
            container("web-4", "created"),
        )
        self.replicas: Any = self
        # The replica counts of the last run of init-config.
        self.published: dict[str, int] = {}
        self.cli: Any = self

    def all(self) -> dict[str, int]:
        return {"web": 2, "data-service": 3}

    def run(self, command: str, *arguments: str) -> str:
        if command == "create":
            for number in range(1, 5):
                missing = container(f"web-{number}", "created")
                self.engine.by_name.setdefault(missing.name, missing)
        else:
            assert (command, arguments[-1]) == ("run", "init-config")
            counts = (text.split("_INSTANCES=") for text in arguments if "_INSTANCES=" in text)
            self.published = {name: int(count) for name, count in counts}
        return ""

    def running(self) -> set[str]:
        return {instance.instance for instance in self.engine.running()}


@pytest.fixture
def project() -> Any:
    return FakeProject()


def test_standby_instances_are_started(project: Any) -> None:
    assert scaling.start_replicas(project, "web", 4) == ["web-3", "web-4"]
    assert project.running() == {"web-1", "web-2", "web-3", "web-4"}


def test_missing_standby_instances_are_created(project: Any) -> None:
    del project.engine.by_name["alertdrill-web-4"]
    assert scaling.start_replicas(project, "web", 4) == ["web-3", "web-4"]
    assert project.running() == {"web-1", "web-2", "web-3", "web-4"}


def test_leaving_instance_is_not_expected(project: Any) -> None:
    messages: list[str] = []
    scaling.stop_replicas(project, "web", 1, messages.append)
    # The other service keeps its count.
    assert project.published == {"WEB": 1, "DATA_SERVICE": 3}
    assert project.running() == {"web-1"}
    assert messages == ["web-2 is on standby"]


def test_new_instances_are_reported(project: Any) -> None:
    messages: list[str] = []
    scaling.start_replicas(project, "web", 3)
    scaling.stop_replicas(project, "web", 3, messages.append)
    assert messages == ["web-3 is ready"]
