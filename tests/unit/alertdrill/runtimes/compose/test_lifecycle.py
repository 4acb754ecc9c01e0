from typing import Any

import pytest

from alertdrill.config.services import SERVICES
from alertdrill.runtimes.compose import lifecycle
from tests.unit.alertdrill.runtimes.compose.conftest import container
from tests.unit.alertdrill.runtimes.compose.test_containers import FakeEngine


class FakeProject:
    """An engine with some containers, and a docker command that records removals."""

    def __init__(self, *instances: tuple[str, str]) -> None:
        self.engine = FakeEngine(*(container(name, state) for name, state in instances))
        self.counts = dict.fromkeys(SERVICES, 2)
        self.removed: list[str] = []

    def replicas(self) -> dict[str, int]:
        return self.counts

    def docker(self, *arguments: str) -> str:
        assert arguments[:2] == ("rm", "--force")
        self.removed += arguments[2:]
        return ""


def remove_misnumbered(project: FakeProject) -> list[str]:
    messages: list[str] = []
    lifecycle.remove_misnumbered(project, messages.append)  # type: ignore[arg-type]
    return messages


@pytest.mark.parametrize(
    ("numbers", "misnumbered"),
    [
        ([], []),
        ([1], []),
        ([1, 2], []),
        ([1, 2, 3, 4], [3, 4]),  # standby instances are created again
        ([2], [2]),  # Compose would create web-3 beside it
        ([1, 3], [3]),
        ([3, 4], [3, 4]),
    ],
)
def test_misnumbered_instances_are_found(numbers: list[int], misnumbered: list[int]) -> None:
    assert lifecycle.misnumbered(numbers, scale=2) == misnumbered


def test_correctly_numbered_instances_are_kept() -> None:
    project = FakeProject(("web-1", "running"), ("web-2", "running"), ("lb-1", "running"))
    assert remove_misnumbered(project) == []
    assert (project.engine.calls, project.removed) == ([], [])


def test_standby_instances_are_removed_silently() -> None:
    project = FakeProject(("web-1", "running"), ("web-2", "running"), ("web-3", "exited"))
    assert remove_misnumbered(project) == []
    assert (project.engine.calls, project.removed) == ([], ["alertdrill-web-3"])


def test_running_instances_are_stopped_and_reported() -> None:
    project = FakeProject(("data-service-2", "running"), ("data-service-3", "exited"))
    [messages] = remove_misnumbered(project)
    assert messages.startswith("replacing data-service-2: ")
    assert project.engine.running() == []
    assert project.removed == ["alertdrill-data-service-2", "alertdrill-data-service-3"]


def test_current_replica_count_is_used() -> None:
    project = FakeProject(*((f"web-{number}", "running") for number in (1, 2, 3)))
    project.counts["web"] = 3
    remove_misnumbered(project)
    assert project.removed == []


def test_failed_containers_last_line_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    project: Any = FakeProject(("init-config-1", "exited"), ("web-2", "restarting"))
    starting = container("web-1", health="starting")
    project.engine.by_name[starting.name] = starting
    monkeypatch.setattr(project, "docker", lambda *_: "first\nlast\n")
    assert lifecycle._last_log_line(project) == " The last log line of web-2: last"
