from pathlib import Path

import pytest

from alertdrill.errors import AlertdrillError
from alertdrill.toolchain.commands import CommandError
from deploy.airgap.docker_cli import DockerCli


def install(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    docker = folder / "docker"
    docker.write_text(f"#!/bin/sh\n{script}\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_missing_docker_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("alertdrill.toolchain.commands.SBIN_FOLDERS", ())
    with pytest.raises(AlertdrillError, match="docker is not on this machine: install Docker"):
        DockerCli()


def test_engine_that_does_not_respond_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install(tmp_path, "echo 'error: is the daemon running?' >&2; exit 1", monkeypatch)
    with pytest.raises(AlertdrillError, match=r"running\?: install Docker and start its engine"):
        DockerCli()


def test_stream_that_fails_is_an_error_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = '[ "$1" = version ] || { echo "no space left" >&2; exit 1; }'
    install(tmp_path, script, monkeypatch)
    engine = DockerCli()
    with (
        pytest.raises(CommandError, match="docker load: no space left"),
        engine.stream("load", feeds_stdin=True) as stdin,
    ):
        stdin.write(b"x" * 2**20)  # the engine reads none of it
