import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from alertdrill.cli import app, stack


@pytest.mark.parametrize("name", app.COMMANDS)
def test_short_help_is_that_of_the_command(name: str) -> None:
    command = app.main.get_command(click.Context(app.main), name)
    assert command is not None
    assert command.get_short_help_str(100) == app.COMMANDS[name][2]


def test_help_lists_every_command() -> None:
    result = CliRunner().invoke(app.main, ["--help"], env={"COLUMNS": "200"})
    names = [line.split()[0] for line in result.stdout.partition("Commands:\n")[2].splitlines()]
    assert names == sorted(app.COMMANDS)


def test_help_imports_no_command() -> None:
    code = (
        "import sys, click; from alertdrill.cli.app import main;"
        "main(['--help'], standalone_mode=False);"
        "print(sorted({'rich', 'pydantic', 'requests', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_interrupted_command_exits_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(stack.status, "callback", interrupt)
    monkeypatch.setattr(stack.status, "params", [])
    result = CliRunner().invoke(app.main, ["status"])
    assert (result.exit_code, result.stderr) == (130, "\nInterrupted.\n")


def test_unknown_command_is_a_usage_error() -> None:
    result = CliRunner().invoke(app.main, ["opne"])
    assert result.exit_code == 2
    assert "No such command 'opne'" in result.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_for_the_command(shell: str) -> None:
    result = CliRunner().invoke(app.main, ["completion", shell])
    assert "_ALERTDRILL_COMPLETE" in result.stdout
