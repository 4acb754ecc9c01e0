import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from alertdrill.config.services import SERVICES
from alertdrill.config.settings import StackSettings
from alertdrill.file_lock import LockedError
from alertdrill.runtimes.base import project_lock
from alertdrill.runtimes.compose import project as project_module
from alertdrill.runtimes.compose import run_drills_in_container
from alertdrill.runtimes.compose.project import (
    ComposeProject,
    render_overlay,
    settings_variables,
)
from alertdrill.runtimes.errors import EngineError
from alertdrill.timescale.ephemeral_stack_settings import ephemeral_settings
from tests.unit.alertdrill.declared_services import redeclare
from tests.unit.alertdrill.runtimes.fake_engine import FakeEngine


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


@pytest.fixture
def cached(tmp_path: Path) -> StackSettings:
    return StackSettings(tmp_path / "one", cache=tmp_path / "cache")


def test_second_run_is_refused_whatever_its_folder(cached: StackSettings) -> None:
    other = replace(cached, home=cached.home / "other")
    with (
        project_lock(cached),
        pytest.raises(LockedError, match="Another run uses the containers of"),
    ):
        project_lock(other).__enter__()
    with project_lock(other), project_lock(replace(cached, project="another")):
        pass


def test_refused_run_changes_nothing(
    cached: StackSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    touched: list[str] = []
    runtime = SimpleNamespace(
        down=lambda _: touched.append("down"), remove_leftovers=lambda _: None
    )
    monkeypatch.setattr(run_drills_in_container, "ComposeRuntime", lambda _: runtime)
    with (
        project_lock(ephemeral_settings(cached, 12)),
        pytest.raises(LockedError, match="Another run"),
    ):
        run_drills_in_container.run_in_container(cached, ["drill", "run"], 12, lambda _: None)
    assert touched == []


@pytest.mark.parametrize(
    ("speed", "report"), [(None, "index.html"), (12.0, "index.html"), (12.0, "kill-matrix.json")]
)
def test_drills_run_in_a_container_and_their_reports_are_copied(
    cached: StackSettings, monkeypatch: pytest.MonkeyPatch, speed: float | None, report: str
) -> None:
    commands: list[list[str]] = []

    def docker(_: object, command: str, *arguments: str) -> str:
        if command == "cp":
            (Path(arguments[-1]) / "one").mkdir()
            (Path(arguments[-1]) / "one" / report).touch()
        return ""

    def command_line(_: object, *words: str, **__: object) -> list[str]:
        commands.append([*words])
        return ["true"]

    nothing = SimpleNamespace(
        up=lambda _: [],
        down=lambda _: None,
        status=lambda: ["web-1"],
        remove_leftovers=lambda _: None,
    )
    monkeypatch.setattr(run_drills_in_container, "ComposeRuntime", lambda _: nothing)
    monkeypatch.setattr(ComposeProject, "resolve", lambda project: project)
    monkeypatch.setattr(ComposeProject, "docker", docker)
    monkeypatch.setattr(ComposeProject, "run", lambda *_, **__: "")
    monkeypatch.setattr(ComposeProject, "command_line", command_line)
    messages: list[str] = []
    code = run_drills_in_container.run_in_container(
        cached, ["drill", "run"], speed, messages.append
    )
    [command] = commands
    assert code == 0
    assert "--current-stack" in command
    assert ("--ephemeral" in command) is (speed is not None)
    assert messages[-1] == f"The report on this host: {cached.home}/drills/one/{report}"
    assert (cached.home / "drills/one" / report).exists()


@pytest.fixture(autouse=True)
def three_instances(monkeypatch: pytest.MonkeyPatch) -> None:
    redeclare(monkeypatch, "web", min=3)


def listed(tmp_path: Path, text: str | None, *containers: str) -> dict[str, int]:
    """Return the replica counts that the host reads from a file with `text`."""
    engine: Any = FakeEngine(*containers)

    def read(name: str, path: str) -> str | None:
        assert (name, path) == ("alertdrill-prometheus-1", "/etc/alertdrill/scale/scale.json")
        return text

    engine.read = read
    project = ComposeProject(StackSettings(tmp_path))
    vars(project)["engine"] = engine  # where the cached property keeps it
    return project.replicas()


@pytest.mark.parametrize(
    ("text", "web"), [('{"web": 4, "removed": 2}', 4), (None, 3), ("", 3), ('{"web": ', 3)]
)
def test_host_reads_the_replica_counts_from_the_stack(
    tmp_path: Path, text: str | None, web: int
) -> None:
    replicas = listed(tmp_path, text, "prometheus-1")
    assert replicas == {**dict.fromkeys(SERVICES, 2), "web": web}


def test_stack_that_is_down_has_the_settings_replica_counts(tmp_path: Path) -> None:
    assert listed(tmp_path, '{"web": 4}', "prometheus-1 exited")["web"] == 3
    assert listed(tmp_path, '{"web": 4}', "prometheus-1 exited", "web-1")["web"] == 4
    assert listed(tmp_path, '{"web": 4}')["web"] == 3


MODEL = {
    "services": {
        "prometheus": {"command": ["--config.file=p.yml", "--rules.alert.resend-delay=15s"]},
        "blackbox-exporter": {"command": ["--config.file=b.yml"]},
        "loki": {"command": ["-config.file=l.yml"]},
    }
}


def test_normal_stack_needs_no_overlay(settings: StackSettings) -> None:
    assert render_overlay(settings, MODEL) is None


def test_speed_changes_the_flags(settings: StackSettings) -> None:
    text = render_overlay(replace(settings, speed=10.0, ephemeral=True), MODEL)
    assert text
    command = json.loads(text)["services"]["prometheus"]["command"]
    assert command[0] == "--config.file=p.yml"
    assert "--rules.alert.resend-delay=1500ms" in command
    assert "--rules.alert.resend-delay=15s" not in command
    assert "--web.enable-admin-api" in command
    assert "-ruler.resend-delay=1500ms" in json.loads(text)["services"]["loki"]["command"]


def test_series_of_other_stacks_are_safe(settings: StackSettings) -> None:
    assert "admin-api" not in str(render_overlay(replace(settings, speed=10.0), MODEL))


def test_settings_are_passed_on() -> None:
    settings = StackSettings(Path("/h"), healing="dry-run", speed=7.0)
    variables = settings_variables(settings)
    expected = {
        "HEALING": "dry-run",
        "FAULTS_ENABLED": "1",
        "LB_STATS_PORT": "8404",
        "LOKI_REPLICAS": "1",
        "WEB_DIGEST": "",
        "COMPOSE_PROJECT_NAME": "alertdrill",
        "SPEED": "7",
        "WATCHDOG_TIMEOUT": "25.7143",
    }
    assert {name: variables[name] for name in expected} == expected


def test_services_of_other_repositories_come_and_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = tmp_path / ".env"
    monkeypatch.setattr(project_module, "ENV", env)
    project = ComposeProject(StackSettings(tmp_path))
    assert project._with_external_services() is project
    own = SERVICES["data-service"]
    shop = own.model_copy(update={"name": "shop", "path": "/srv/shop", "file": "/srv/shop/a.yml"})
    with monkeypatch.context() as patch:
        patch.setitem(vars(SERVICES), "_services", {**SERVICES, "shop": shop})
        added = project._with_external_services()
        added.record()
    assert "--file" in added.command_line("ps")[-3]
    assert Path(added.command_line("ps")[-2]).name == "external.yml"
    [line] = [line for line in env.read_text().splitlines() if line.startswith("COMPOSE_FILE=")]
    assert line.endswith("/compose/external.yml")
    # Compose itself would read the line of the service that has gone.
    removed = project._with_external_services()
    assert removed.environment()["COMPOSE_FILE"] == "docker-compose.yml"
    removed.record()
    assert "COMPOSE_FILE" not in env.read_text()
