"""The reference pages are generated from code and data, and nothing is described twice."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from docs.generate import __main__ as command
from docs.generate import settings
from docs.generate.errors import GenerateError
from docs.generate.find_variables import constant, variables
from docs.generate.markdown import table

CODE = """
import os
port = env.integer("PORT", 1024 * 4, at_least=1)
name = os.environ.get("NAME", "web")
home = os.environ["HOME_FOLDER"]
switch = env.flag("SWITCH", default=False)
other = headers.get("TRACE")
"""
EXAMPLE = """# What the file is.

# What runs

# How many
# there are.
COUNT=2
# A folder.
FOLDER=
"""


def test_variables_are_found_in_code_with_their_defaults(tmp_path: Path) -> None:
    file = tmp_path / "settings.py"
    file.write_text(CODE)
    assert {name: constant(default) for name, default in variables([file])} == {
        "PORT": "4096",
        "NAME": "web",
        "HOME_FOLDER": None,
        "SWITCH": "0",
    }


def test_default_that_depends_on_a_name_is_no_constant() -> None:
    assert constant(ast.parse("DEFAULT + 1", mode="eval").body) is None


def test_example_is_read_by_sections() -> None:
    (section,) = settings.sections(EXAMPLE)
    assert section.title == "What runs"
    assert section.settings == [
        settings.Setting("COUNT", "2", "How many there are."),
        settings.Setting("FOLDER", "", "A folder."),
    ]


def test_default_is_not_written_twice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "variables.yml"
    file.write_text(
        "- title: Every program\n"
        "  read_by: [telemetry/alertdrill_telemetry/server.py]\n"
        "  variables: {PORT: {default: 5000, accepts: a port, meaning: The port.}}\n"
    )
    monkeypatch.setattr(settings, "VARIABLES", file)
    with pytest.raises(GenerateError, match="remove the default of PORT"):
        settings.page()


def test_bars_and_line_breaks_stay_in_their_cell() -> None:
    assert table(["A"], [["b | c\nd"]]).splitlines()[-1] == r"| b \| c d |"


def test_check_names_the_page_that_differs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "REFERENCE", tmp_path)
    monkeypatch.setattr(command, "PAGES", {"cli.md": lambda: "# Commands\n"})
    assert command.main(["--check"]) == 1
    assert "docs/reference/cli.md" in capsys.readouterr().err
    assert command.main([]) == 0
    assert (tmp_path / "cli.md").read_text() == "# Commands\n"
    assert command.main(["--check"]) == 0
