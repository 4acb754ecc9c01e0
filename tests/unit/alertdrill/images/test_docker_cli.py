from pathlib import Path

import pytest

from alertdrill.images.docker_cli import Engine, error_line
from alertdrill.images.errors import EngineError


def test_apts_word_is_the_reason() -> None:
    output = "#6 3.8 E: Unable to locate package x\nERROR: failed to solve: exit code: 100\n"
    assert error_line(output) == "E: Unable to locate package x"


def test_dockers_word_is_the_reason() -> None:
    assert error_line("Error response from daemon: no space\nbye\n").endswith("no space")


def test_silence_is_said() -> None:
    assert error_line("\n") == "it gave no reason."


def test_absent_docker_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="docker is not on the PATH"):
        Engine()


def test_refusal_has_its_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\necho 'error: is the daemon running?' >&2; exit 1\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match=r"docker version failed: .* running\?"):
        Engine().require()
