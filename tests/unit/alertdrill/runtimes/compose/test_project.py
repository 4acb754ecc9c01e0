from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from alertdrill.config.settings import StackSettings
from alertdrill.file_lock import LockedError
from alertdrill.runtimes.compose import run_drills_in_container
from alertdrill.runtimes.compose.errors import EngineError
from alertdrill.runtimes.compose.project import (
    ComposeCli,
    ComposeProject,
    error_line,
    project_lock,
)
from alertdrill.timescale.ephemeral_stack_settings import ephemeral_settings


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
    ComposeCli("mine", {"LB_PORT": "8888"}, [docker / "more.yml"]).run("ps", profiles=["drills"])
    called = (docker / "called").read_text()
    assert "--project-name mine" in called
    assert f"docker-compose.yml --file {docker}/more.yml --profile drills ps" in called
    assert (docker / "given").read_text() == "8888\n"


def test_failure_has_the_error(docker: Path) -> None:
    with pytest.raises(EngineError, match=r"^docker compose broken failed: error: it broke$"):
        ComposeCli("mine", {}).run("broken")


def test_missing_docker_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="or use RUNTIME=native"):
        ComposeCli("mine", {}).run("ps")


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
    monkeypatch.setattr(ComposeCli, "docker", lambda *_: "")
    monkeypatch.setattr(ComposeCli, "run", lambda *_, **__: "")
    monkeypatch.setattr(
        ComposeCli, "command_line", lambda _, *words, **__: commands.append([*words])
    )
    monkeypatch.setattr(run_drills_in_container, "_wait", lambda *_: 0)
    monkeypatch.setattr(run_drills_in_container, "_copy_reports", lambda *_: None)
    run_drills_in_container.run_in_container(settings, ["drill", "run"], speed, lambda _: None)
    [command] = commands
    assert "--current-stack" in command
    assert ("--ephemeral" in command) is (speed is not None)
