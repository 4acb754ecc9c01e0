from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from alertdrill.config.services import SERVICES
from alertdrill.config.settings import StackSettings
from alertdrill.file_lock import LockedError
from alertdrill.runtimes.base import project_lock
from alertdrill.runtimes.compose import run_drills_in_container
from alertdrill.runtimes.compose.docker_client import Container
from alertdrill.runtimes.compose.project import ComposeProject, error_line
from alertdrill.runtimes.errors import EngineError
from alertdrill.timescale.ephemeral_stack_settings import ephemeral_settings
from tests.unit.alertdrill.runtimes.compose.conftest import container
from tests.unit.alertdrill.runtimes.compose.test_containers import FakeEngine


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Replace the docker command with a fake that records its arguments and environment."""
    program = tmp_path / "docker"
    program.write_text(
        f'#!/bin/sh\necho "$*" >{tmp_path}/called\necho "$LB_PORT" >{tmp_path}/given\n'
        'case "$*" in *broken*) echo noise >&2; echo "error: it broke" >&2; exit 1;; esac\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    return tmp_path


def test_project_and_files_are_named(docker: Path) -> None:
    project = ComposeProject(StackSettings(docker, project="mine"), {"LB_PORT": "8888"})
    replace(project, overlays=[docker / "more.yml"]).run("ps", profiles=["drills"])
    called = (docker / "called").read_text()
    assert "--project-name mine" in called
    assert f"docker-compose.yml --file {docker}/more.yml --profile drills ps" in called
    assert (docker / "given").read_text() == "8888\n"


def test_failure_has_the_error(docker: Path) -> None:
    with pytest.raises(EngineError, match=r"^docker compose broken failed: error: it broke$"):
        ComposeProject(StackSettings(docker)).run("broken")


def test_missing_docker_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="or use RUNTIME=native"):
        ComposeProject(StackSettings(tmp_path)).run("ps")


def test_error_line_is_found() -> None:
    assert (
        error_line(" pulling\n container web-1 is unhealthy\n bye\n")
        == "container web-1 is unhealthy"
    )
    assert error_line("one\ntwo\n") == "two"
    assert error_line("") == "it printed no error."


@pytest.fixture
def settings(tmp_path: Path) -> StackSettings:
    return StackSettings(tmp_path / "one", cache=tmp_path / "cache")


def test_second_run_is_refused_whatever_its_folder(settings: StackSettings) -> None:
    other = replace(settings, home=settings.home / "other")
    with (
        project_lock(settings),
        pytest.raises(LockedError, match="Another run uses the containers of"),
    ):
        project_lock(other).__enter__()
    with project_lock(other):
        pass


def test_refused_run_changes_nothing(
    settings: StackSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    touched: list[str] = []
    runtime = SimpleNamespace(down=lambda _: touched.append("down"))
    monkeypatch.setattr(run_drills_in_container, "ComposeRuntime", lambda _: runtime)
    with (
        project_lock(ephemeral_settings(settings, 12)),
        pytest.raises(LockedError, match="Another run"),
    ):
        run_drills_in_container.run_in_container(settings, ["drill", "run"], 12, lambda _: None)
    assert touched == []


def test_other_projects_do_not_wait(settings: StackSettings) -> None:
    with project_lock(settings), project_lock(replace(settings, project="another")):
        pass


@pytest.mark.parametrize("speed", [None, 12.0])
def test_container_of_drills_knows_whether_its_stack_is_ephemeral(
    settings: StackSettings, monkeypatch: pytest.MonkeyPatch, speed: float | None
) -> None:
    commands: list[list[str]] = []
    nothing = SimpleNamespace(
        up=lambda _: [], down=lambda _: None, status=lambda: ["web-1"], run=lambda *_, **__: None
    )
    monkeypatch.setattr(run_drills_in_container, "ComposeRuntime", lambda _: nothing)
    monkeypatch.setattr(ComposeProject, "resolve", lambda project: project)
    monkeypatch.setattr(ComposeProject, "docker", lambda *_: "")
    monkeypatch.setattr(ComposeProject, "run", lambda *_, **__: "")
    monkeypatch.setattr(
        ComposeProject, "command_line", lambda _, *words, **__: commands.append([*words])
    )
    monkeypatch.setattr(run_drills_in_container, "_wait", lambda *_: 0)
    monkeypatch.setattr(run_drills_in_container, "_copy_reports", lambda *_: None)
    run_drills_in_container.run_in_container(settings, ["drill", "run"], speed, lambda _: None)
    [command] = commands
    assert "--current-stack" in command
    assert ("--ephemeral" in command) is (speed is not None)


def listed(tmp_path: Path, text: str | None, *containers: Container) -> dict[str, int]:
    """Return the replica counts that the host reads from a file with `text`."""
    engine: Any = FakeEngine(*containers)

    def read(name: str, path: str) -> str | None:
        assert (name, path) == ("alertdrill-prometheus-1", "/etc/alertdrill/scale/scale.json")
        return text

    engine.read = read
    project = ComposeProject(StackSettings(tmp_path, instances={"web": 3}))
    vars(project)["engine"] = engine  # where the cached property keeps it
    return project.replicas()


def test_host_reads_the_replica_counts_from_the_stack(tmp_path: Path) -> None:
    replicas = listed(tmp_path, '{"web": 4}', container("prometheus-1"))
    assert replicas == {**dict.fromkeys(SERVICES, 2), "web": 4}


@pytest.mark.parametrize("text", [None, "", '{"web": '])
def test_missing_replica_count_is_the_settings(tmp_path: Path, text: str | None) -> None:
    replicas = listed(tmp_path, text, container("prometheus-1"))
    assert replicas == {**dict.fromkeys(SERVICES, 2), "web": 3}


def test_stack_that_is_down_has_the_settings_replica_counts(tmp_path: Path) -> None:
    asleep = container("prometheus-1", "exited")
    assert listed(tmp_path, '{"web": 4}', asleep)["web"] == 3
    assert listed(tmp_path, '{"web": 4}', asleep, container("web-1"))["web"] == 4
    assert listed(tmp_path, '{"web": 4}')["web"] == 3
