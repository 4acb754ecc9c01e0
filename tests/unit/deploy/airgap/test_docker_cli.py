from pathlib import Path

import pytest

from deploy.airgap.docker_cli import DockerCli, EngineError, error_line


def test_error_line_prefers_apts_error() -> None:
    output = "#6 3.8 E: Unable to locate package x\nERROR: failed to solve: exit code: 100\n"
    assert error_line(output) == "E: Unable to locate package x"


def test_error_line_is_dockers_error() -> None:
    assert error_line("Error response from daemon: no space\nbye\n").endswith("no space")


def test_error_without_output_says_so() -> None:
    assert error_line("\n") == "it gave no reason."


def test_missing_docker_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="docker is not on the PATH"):
        DockerCli()


def test_failed_command_is_an_error_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\necho 'error: is the daemon running?' >&2; exit 1\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match=r"docker version failed: .* running\?"):
        DockerCli().require()
