"""A command of a service runs as its instances do; these are real programs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from alertdrill.runtimes.errors import NotReadyError, UnknownTargetError
from alertdrill.runtimes.native import service_command
from alertdrill.runtimes.native.plan import Process
from alertdrill.runtimes.native.service_command import run_in_terminal
from tests.unit.telemetry.instance import poll_until

PRINT_ALL = """\
import json, os, pathlib, sys
seen = {"environment": dict(os.environ), "folder": os.getcwd(), "arguments": sys.argv[1:]}
pathlib.Path("seen.json").write_text(json.dumps(seen))
"""
Write = Callable[[str, str], None]


@pytest.fixture
def instance(web: Process, tmp_path: Path) -> Process:
    """Return an instance of a service with a folder, and a Python that has other programs."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").symlink_to(sys.executable)
    (tmp_path / "blog").mkdir()
    environment = {**web.environment, "DATABASE": "x.sqlite"}
    command = [str(tmp_path / "bin/python"), *web.command[1:]]
    return replace(web, command=command, environment=environment, directory=tmp_path / "blog")


@pytest.fixture
def program(tmp_path: Path) -> Write:
    """Return a function that installs a program beside the Python of the service."""

    def write(name: str, code: str) -> None:
        file = tmp_path / "bin" / name
        file.write_text(f"#!{sys.executable} -IS\n{code}")
        file.chmod(0o755)

    return write


def run(instance: Process, *command: str) -> None:
    folder = instance.directory.parent
    service_command.run_to_end(instance, command, folder / "release.log", folder / "native")


def test_command_has_the_folder_environment_and_programs_of_the_service(
    instance: Process, program: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE", "of the user")
    monkeypatch.setenv("FLASK_APP", "of the user")
    monkeypatch.setenv("HOME", "/home/user")
    program("flask", PRINT_ALL)
    run(instance, "flask", "init-db", "a b")
    seen = json.loads((instance.directory / "seen.json").read_text())
    assert seen["folder"] == str(instance.directory)
    assert seen["arguments"] == ["init-db", "a b"]
    environment = seen["environment"]
    assert (environment["DATABASE"], environment["HOME"]) == ("x.sqlite", "/home/user")
    assert environment["SERVICE"] == "web"
    # A program that the command starts is also that of the service.
    assert environment["PATH"].startswith(f"{instance.directory.parent}/bin:")
    # It is no instance, and has nothing of another program.
    assert not {"INSTANCE", "PORT", "OPS_PORT", "FLASK_APP"} & environment.keys()


def test_program_of_the_machine_is_found(instance: Process) -> None:
    run(instance, "true")


def test_script_in_the_folder_of_the_service_is_run(instance: Process) -> None:
    script = instance.directory / "migrate.sh"
    script.write_text("#!/bin/sh\ntouch migrated\n")
    script.chmod(0o755)
    run(instance, "./migrate.sh")
    assert (instance.directory / "migrated").exists()


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (
            "import sys; print('Error: no such table: post'); sys.exit(3)",
            "Error: no such table: post",
        ),
        ("import sys; sys.exit('ValueError: x')", "ValueError: x"),
        ("import sys; sys.exit(2)", "no output"),
    ],
)
def test_failed_command_has_its_reason(
    instance: Process, program: Write, code: str, reason: str
) -> None:
    program("flask", code)
    with pytest.raises(NotReadyError) as error:
        run(instance, "flask")
    log = instance.directory.parent / "release.log"
    assert re.fullmatch(
        rf"`flask` ended with exit code \d: {reason} \(see {log}\)\.", str(error.value)
    )


def test_output_that_is_no_text_is_no_other_failure(instance: Process, program: Write) -> None:
    program("flask", "import os; os.write(1, b'bad \\xff byte\\n'); os._exit(1)")
    with pytest.raises(NotReadyError, match=r"exit code 1: bad . byte \(see "):
        run(instance, "flask")


def test_unknown_program_is_named(instance: Process) -> None:
    with pytest.raises(NotReadyError, match="can't be run: flusk is no program of web"):
        run(instance, "flusk", "init-db")
    with pytest.raises(UnknownTargetError, match=r"^flusk is no program of web\.$"):
        run_in_terminal(instance, ["flusk"])


def test_program_that_can_not_be_started_is_named(instance: Process, tmp_path: Path) -> None:
    (tmp_path / "bin/flask").write_bytes(b"\x7fELF")
    (tmp_path / "bin/flask").chmod(0o755)
    with pytest.raises(NotReadyError, match=r"bin/flask"):
        run(instance, "flask")


def test_command_without_an_end_is_stopped(
    instance: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_command, "TIMEOUT_S", 0.1)
    with pytest.raises(NotReadyError, match=r"^sleep did not end within 0.1 s\.$"):
        run(instance, "sleep", "60")


def test_command_ends_with_all_that_it_started(
    instance: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> int:
        poll_until((instance.directory / "started").exists, "the start of the command")
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "wait", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(instance, "sh", "-c", "sleep 300 & echo $! >pid; touch started; wait")
    child = int((instance.directory / "pid").read_text())
    poll_until(lambda: not is_running(child), "the end of what it started")


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_command_does_not_run_beside_itself(instance: Process) -> None:
    # One whose `up` was killed goes on.
    home = instance.directory.parent / "native"
    tags = {"ALERTDRILL_STACK": str(home), "ALERTDRILL_COMMAND": "web sleep 60"}
    with subprocess.Popen(["sleep", "60"], env=tags) as earlier:
        with pytest.raises(NotReadyError, match=rf"`sleep 60` still runs.*{earlier.pid}"):
            run(instance, "sleep", "60")
        earlier.kill()


def test_command_gets_no_input(instance: Process) -> None:
    run(instance, "cat")  # it would wait for the terminal


@pytest.mark.parametrize("code", [0, 3])
def test_command_in_the_terminal_returns_its_exit_code(
    instance: Process, program: Write, code: int
) -> None:
    program("flask", f"{PRINT_ALL}\nsys.exit({code})")
    assert run_in_terminal(instance, ["flask", "shell"]) == code
    seen = json.loads((instance.directory / "seen.json").read_text())
    assert seen["environment"]["DATABASE"] == "x.sqlite"
