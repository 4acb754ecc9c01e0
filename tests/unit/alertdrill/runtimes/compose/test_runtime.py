import json
import os
import signal
from collections.abc import Callable
from contextlib import nullcontext
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pytest

from alertdrill.config.settings import StackSettings
from alertdrill.runtimes.compose import renewal
from alertdrill.runtimes.compose import runtime as module
from alertdrill.runtimes.compose.project import ComposeProject
from alertdrill.runtimes.compose.runtime import ComposeRuntime
from alertdrill.runtimes.errors import EngineError, ServiceNotReadyError, UnknownTargetError
from tests.unit.alertdrill.declared_services import redeclare
from tests.unit.alertdrill.runtimes.fake_engine import FakeEngine

Docker = Callable[[str], ComposeRuntime]


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    """Return a function that replaces docker with a script that also records its arguments."""

    def make(script: str) -> ComposeRuntime:
        program = tmp_path / "docker"
        program.write_text(
            f'#!/bin/sh\necho "$*" >{tmp_path}/called\necho $$ >{tmp_path}/pid\n{script}\n'
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
        monkeypatch.setattr(module, "_timestamp", lambda: "then")
        runtime = ComposeRuntime(StackSettings(tmp_path, project="mine"))
        vars(runtime._project)["engine"] = FakeEngine("web-1", "web-2")
        return runtime

    return make


def test_line_has_its_instance(docker: Docker) -> None:
    runtime = docker(r"printf 'web-1  | a | b\nlb-1   | \nnoise\nweb-2  | \344\rx\n'")
    assert list(runtime.logs(None, None)) == [
        ("web-1", "a | b"),
        ("lb-1", ""),
        ("web-2", "\ufffd\rx"),
    ]


@pytest.mark.parametrize(
    ("target", "lines", "arguments"),
    [
        ("web-2", 5, "--tail 5 --until then --index 2 web"),
        ("web", 0, "--tail 0 --until then web"),
        (None, None, "--tail all --until then"),
    ],
)
def test_existing_lines_end_at_the_timestamp(
    docker: Docker, tmp_path: Path, target: str | None, lines: int | None, arguments: str
) -> None:
    assert list(docker("").logs(target, lines)) == []
    assert (tmp_path / "called").read_text().endswith(f"logs --no-color {arguments}\n")


def test_new_lines_start_at_the_timestamp(docker: Docker, tmp_path: Path) -> None:
    batches = docker("").follow("web", 3)
    assert list(next(batches)) == []
    assert (tmp_path / "called").read_text().endswith("--tail 3 --until then web\n")
    list(batches)
    called = (tmp_path / "called").read_text()
    assert called.endswith("logs --no-color --follow --since then web\n")


def new_lines(runtime: ComposeRuntime) -> Any:
    batches = runtime.follow(None, None)
    next(batches)  # the existing lines, which are not read here
    return batches


def test_partial_line_waits_for_its_end(docker: Docker) -> None:
    runtime = docker("printf 'web-1  | ha'; sleep 0.5; printf 'lf\\nweb-1  | next\\n'")
    groups = list(new_lines(runtime))
    assert list(chain.from_iterable(groups)) == [("web-1", "half"), ("web-1", "next")]
    assert [] in groups  # the reader had a turn meanwhile


def test_closing_the_reader_ends_the_command(docker: Docker, tmp_path: Path) -> None:
    groups = new_lines(docker("echo 'web-1  | a'; exec sleep 60"))
    assert list(islice(chain.from_iterable(groups), 1)) == [("web-1", "a")]
    groups.close()
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), signal.SIG_DFL)


class FakeProject:
    """A Compose that creates standby instances of web and publishes replica counts."""

    def __init__(self, *containers: str) -> None:
        self.engine = FakeEngine(*containers)
        self.counts = {"web": 2, "data-service": 3}
        # The replica counts of the last run of init-config.
        self.published: dict[str, int] = {}
        self.removed: list[str] = []
        self.lock = nullcontext

    def replicas(self) -> dict[str, int]:
        return self.counts

    def run(self, command: str, *arguments: str) -> str:
        if command == "create":
            for number in range(1, 5):
                if f"web-{number}" not in self.engine.states:
                    self.engine.add(f"web-{number}", "created")
        else:
            assert (command, arguments[-1]) == ("run", "init-config")
            scales = [text.removeprefix("SCALE=") for text in arguments if "SCALE=" in text]
            self.published = json.loads(scales[0])
        return ""

    def docker(self, command: str, *arguments: str) -> str:
        if command == "logs":
            return "first\nlast\n"
        assert (command, arguments[0]) == ("rm", "--force")
        self.removed += arguments[1:]
        return ""


@pytest.fixture
def project() -> FakeProject:
    return FakeProject("web-1", "web-2", "web-3 created", "web-4 created")


@pytest.fixture
def runtime(tmp_path: Path, project: Any) -> ComposeRuntime:
    runtime = ComposeRuntime(StackSettings(tmp_path))
    runtime._project = project
    return runtime


@pytest.mark.parametrize("missing", ["", "web-4"])
def test_standby_instances_are_started_and_missing_ones_created(
    runtime: ComposeRuntime, project: FakeProject, missing: str
) -> None:
    project.engine.states.pop(missing, None)
    messages: list[str] = []
    runtime.scale("web", 4, messages.append)
    assert len(project.engine.alive()) == 4
    assert messages == ["web-3 is ready", "web-4 is ready"]
    assert project.published == {"web": 4, "data-service": 3}


def test_leaving_instance_is_not_expected(runtime: ComposeRuntime, project: FakeProject) -> None:
    messages: list[str] = []
    runtime.scale("web", 1, messages.append)
    # The other service keeps its count.
    assert project.published == {"web": 1, "data-service": 3}
    assert project.engine.alive() == ["web-1"]
    assert messages == ["web-2 is on standby"]


@pytest.mark.parametrize(
    ("containers", "stopped", "removed"),
    [
        (["lb-1"], [], []),
        (["web-1"], [], []),
        (["web-1", "web-2", "lb-1"], [], []),
        # Standby instances are created again.
        (["web-1", "web-2", "web-3 exited", "web-4 created"], [], ["web-3", "web-4"]),
        # Compose would create web-3 beside it.
        (["web-2 exited"], [], ["web-2"]),
        (["web-1", "web-3"], ["web-3"], ["web-3"]),
        (["web-4 exited", "web-3 exited"], [], ["web-3", "web-4"]),
        # Its replica count is 3.
        ([f"data-service-{number}" for number in (1, 2, 3)], [], []),
        (["web-2", "web-3 exited"], ["web-2"], ["web-2", "web-3"]),
    ],
)
def test_misnumbered_instances_are_removed(
    containers: list[str], stopped: list[str], removed: list[str]
) -> None:
    project: Any = FakeProject(*containers)
    messages: list[str] = []
    module.remove_misnumbered(project, messages.append)
    assert project.engine.calls == [f"stop {instance}" for instance in stopped]
    assert project.removed == [f"alertdrill-{instance}" for instance in removed]
    # Only what ran is worth a message.
    assert [message.partition(":")[0] for message in messages] == [
        f"replacing {instance}" for instance in stopped
    ]


def test_published_image_is_not_renewed(docker: Docker) -> None:
    model = {"services": {"web": {"image": "registry.example/web:1"}}, "networks": {}}
    runtime = docker(f"echo '{json.dumps(model)}'")
    with pytest.raises(EngineError, match="web runs a published image: unset REGISTRY"):
        runtime.renew("web", lambda _: None)


def test_failed_containers_last_line_is_shown() -> None:
    project: Any = FakeProject("init-config-1 exited", "web-1 running starting", "web-2 restarting")
    assert renewal._last_log_line(project) == " The last log line of web-2: last"


class StartingProject(FakeProject):
    """A Compose whose first `up --wait` fails, with what has failed by then."""

    def __init__(self, *containers: str) -> None:
        super().__init__(*containers)
        self.started: list[tuple[str, ...]] = []

    def run(self, command: str, *arguments: str) -> str:
        assert command == "up"
        self.started.append(arguments)
        if len(self.started) == 1:
            raise EngineError("docker compose up failed.")
        return ""


STARTED = {"services": dict.fromkeys(("web", "data-service", "web-release", "lb"))}


def test_service_that_is_not_ready_leaves_the_others_and_says_why() -> None:
    project: Any = StartingProject("web-1 running unhealthy", "data-service-1", "lb-1")
    project.engine.checks["web-1"] = "/readyz answers 503: the disk\n is absent"
    reason = module._create_all(project, STARTED, {"web": 2, "data-service": 2})
    assert reason == (
        "web-1 is not ready. Its health check: /readyz answers 503: the disk is absent"
        " The last log line of web-1: last"
    )
    # Neither the service nor its container that runs once.
    assert project.started[1][-2:] == ("data-service", "lb")
    assert "web=2" not in project.started[1]


def test_failed_release_leaves_the_others() -> None:
    project: Any = StartingProject("web-release-1 exited", "web-1 created", "lb-1")
    project.engine.exit_codes["web-release-1"] = 1
    reason = module._create_all(project, STARTED, {})
    assert reason.startswith("web-release-1 is not ready.")
    assert project.started[1][-2:] == ("data-service", "lb")


@pytest.mark.parametrize("containers", [["lb-1 restarting", "web-1 running unhealthy"], ["lb-1"]])
def test_start_fails_if_a_component_fails_or_nothing_does(containers: list[str]) -> None:
    project: Any = StartingProject(*containers)
    with pytest.raises(EngineError, match="up failed"):
        module._create_all(project, STARTED, {})


def test_command_of_a_service_runs_in_a_container_of_its_own(
    docker: Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = docker("exit 7")
    monkeypatch.setattr(runtime, "_require_engine", lambda: None)
    monkeypatch.setattr(ComposeProject, "resolve", lambda project: project)
    assert runtime.execute("web", ["flask", "db", "upgrade"]) == 7
    called = (tmp_path / "called").read_text()
    assert called.endswith("run --rm --no-deps --no-TTY web flask db upgrade\n")


def test_command_of_an_unknown_service_is_refused(docker: Docker) -> None:
    with pytest.raises(UnknownTargetError, match="no service named 'lb': use web"):
        docker("").execute("lb", ["true"])


def test_tests_of_a_service_run_in_its_place_with_the_image_of_the_tests(
    docker: Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = docker("exit 7")
    limits = {"resources": {"limits": {"memory": "2G"}}}
    model = {"image": "tests:1", "memswap_limit": "2G", "deploy": limits, "tmpfs": ["/tmp"]}
    builds: list[tuple[str, ...]] = []
    monkeypatch.setattr(runtime, "_require_engine", lambda: None)
    monkeypatch.setattr(ComposeProject, "resolve", lambda project: project)
    monkeypatch.setattr(ComposeProject, "model", lambda *_, **__: {"services": {"test": model}})
    monkeypatch.setattr(ComposeProject, "run", lambda _, *words, **__: builds.append(words))
    assert runtime.test("web", ["-k", "home"]) == 7
    assert builds == [("build", "--quiet", "test")]
    called = (tmp_path / "called").read_text()
    command = "python -m pytest -n0 -p no:cacheprovider tests/unit/apps/web -k home"
    assert called.endswith(f"run --rm --no-deps --no-TTY web {command}\n")
    overlay = Path(called.split("--file ")[-1].split()[0])
    changed = json.loads(overlay.read_text())["services"]["web"]
    assert changed == {key: model[key] for key in ("image", "memswap_limit", "deploy")}


def test_tests_of_an_application_run_in_its_own_image(
    docker: Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    redeclare(monkeypatch, "web", test="python -m pytest tests")
    runtime = docker("exit 7")
    monkeypatch.setattr(runtime, "_require_engine", lambda: None)
    monkeypatch.setattr(ComposeProject, "resolve", lambda project: project)
    assert runtime.test("web", ["-x"]) == 7
    called = (tmp_path / "called").read_text()
    assert called.endswith("--no-TTY web python -m pytest tests -x\n")


def test_failed_service_is_reported_and_not_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    project: Any = FakeProject()
    commands: list[tuple[str, ...]] = []
    monkeypatch.setattr(module, "_create_all", lambda *_: "web-release-1 is not ready.")
    monkeypatch.setattr(module, "_create_standby", lambda _: None)
    monkeypatch.setattr(renewal, "has_changed_network", lambda *_: False)
    monkeypatch.setattr(renewal, "changed_services", lambda *_: [])
    monkeypatch.setattr(renewal, "create", lambda *arguments: commands.append(arguments))
    with pytest.raises(ServiceNotReadyError, match="web-release-1 is not ready"):
        module._start(project, {"services": {}}, lambda _: None)
    assert commands == []
