from pathlib import Path

import pytest

from alertdrill.runtimes.compose.compose_cli import ComposeCli, error_line
from alertdrill.runtimes.compose.errors import EngineError


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
