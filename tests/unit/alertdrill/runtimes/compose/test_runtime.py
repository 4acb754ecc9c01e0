import os
import signal
from collections.abc import Callable
from contextlib import nullcontext
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pytest

from alertdrill.config.settings import StackSettings
from alertdrill.runtimes.compose.project import ComposeProject
from alertdrill.runtimes.compose.runtime import ComposeRuntime, follow_logs, read_logs, timestamp
from tests.unit.alertdrill.runtimes.compose.conftest import container
from tests.unit.alertdrill.runtimes.compose.test_containers import FakeEngine

Docker = Callable[[str], ComposeProject]


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    """Return a function that replaces docker with a script that also records its arguments."""

    def make(script: str) -> ComposeProject:
        program = tmp_path / "docker"
        program.write_text(
            f'#!/bin/sh\necho "$*" >{tmp_path}/called\necho $$ >{tmp_path}/pid\n{script}\n'
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
        return ComposeProject(StackSettings(tmp_path, project="mine"))

    return make


def test_line_has_its_instance(docker: Docker) -> None:
    compose = docker(r"printf 'web-1  | a | b\nlb-1   | \nnoise\nweb-2  | \344\rx\n'")
    assert list(read_logs(compose, [], None, timestamp())) == [
        ("web-1", "a | b"),
        ("lb-1", ""),
        ("web-2", "\ufffd\rx"),
    ]


@pytest.mark.parametrize(("lines", "tail"), [(5, "5"), (0, "0"), (None, "all")])
def test_existing_lines_end_at_the_timestamp(
    docker: Docker, tmp_path: Path, lines: int | None, tail: str
) -> None:
    compose = docker("")
    assert list(read_logs(compose, ["--index", "2", "web"], lines, "then")) == []
    called = (tmp_path / "called").read_text()
    assert called.endswith(f"logs --no-color --tail {tail} --until then --index 2 web\n")


def test_new_lines_start_at_the_timestamp(docker: Docker, tmp_path: Path) -> None:
    list(follow_logs(docker(""), ["web"], "then"))
    called = (tmp_path / "called").read_text()
    assert called.endswith("logs --no-color --follow --since then web\n")


def test_partial_line_waits_for_its_end(docker: Docker) -> None:
    compose = docker("printf 'web-1  | ha'; sleep 0.5; printf 'lf\\nweb-1  | next\\n'")
    groups = list(follow_logs(compose, [], timestamp()))
    assert list(chain.from_iterable(groups)) == [("web-1", "half"), ("web-1", "next")]
    assert [] in groups  # the reader had a turn meanwhile


def test_closing_the_reader_ends_the_command(docker: Docker, tmp_path: Path) -> None:
    groups = follow_logs(docker("echo 'web-1  | a'; exec sleep 60"), [], timestamp())
    assert list(islice(chain.from_iterable(groups), 1)) == [("web-1", "a")]
    groups.close()  # type: ignore[attr-defined]
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), signal.SIG_DFL)


class FakeProject:
    """A Compose that creates standby instances of web and publishes replica counts."""

    def __init__(self) -> None:
        states = ["running", "running", "created", "created"]
        instances = [container(f"web-{n}", state) for n, state in enumerate(states, 1)]
        self.engine = FakeEngine(*instances)
        # The replica counts of the last run of init-config.
        self.published: dict[str, int] = {}
        self.lock = nullcontext

    def replicas(self) -> dict[str, int]:
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


@pytest.fixture
def project() -> FakeProject:
    return FakeProject()


@pytest.fixture
def runtime(tmp_path: Path, project: Any) -> ComposeRuntime:
    runtime = ComposeRuntime(StackSettings(tmp_path))
    runtime._project, runtime._engine = project, project.engine
    return runtime


@pytest.mark.parametrize("missing", ["", "alertdrill-web-4"])
def test_standby_instances_are_started_and_missing_ones_created(
    runtime: ComposeRuntime, project: FakeProject, missing: str
) -> None:
    project.engine.by_name.pop(missing, None)
    messages: list[str] = []
    runtime.scale("web", 4, messages.append)
    assert len(project.engine.running()) == 4
    assert messages == ["web-3 is ready", "web-4 is ready"]
    assert project.published == {"WEB": 4, "DATA_SERVICE": 3}


def test_leaving_instance_is_not_expected(runtime: ComposeRuntime, project: FakeProject) -> None:
    messages: list[str] = []
    runtime.scale("web", 1, messages.append)
    # The other service keeps its count.
    assert project.published == {"WEB": 1, "DATA_SERVICE": 3}
    assert [item.instance for item in project.engine.running()] == ["web-1"]
    assert messages == ["web-2 is on standby"]
