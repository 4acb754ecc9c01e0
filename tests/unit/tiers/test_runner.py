from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.tiers import runner
from tests.tiers.runner import LANDING, VERIFY, Record, Result, Stamps, run_part, run_parts
from tests.tiers.waivers import Waiver


@pytest.fixture
def stamps(tmp_path: Path) -> Stamps:
    return Stamps(tmp_path / "stamps")


@pytest.fixture
def commit(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(runner, "current_commit", lambda: "abc")
    return "abc"


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "parts"
    folder.mkdir()
    monkeypatch.setattr(runner, "SCRIPTS", folder)
    return folder


def write(folder: Path, name: str, body: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n# What {name} does.\n{body}\n")
    (folder / name).chmod(0o755)


class Runs:
    """A runner with given results that records the parts it ran."""

    def __init__(self, results: Mapping[str, Result]) -> None:
        self.results = results
        self.parts: list[str] = []

    def __call__(self, part: str, commit: str, stamps: Stamps, _: Mapping[str, str]) -> Record:
        self.parts.append(part)
        record = Record(part, commit, 1.0, self.results.get(part, "passed"))
        stamps.write(record)
        return record


def quiet(_: str) -> None:
    pass


@pytest.mark.parametrize("part", sorted({*LANDING, *VERIFY}))
def test_every_part_has_a_script_with_a_description(part: str) -> None:
    assert runner.script(part).stat().st_mode & 0o111
    assert runner.description(part).endswith(".")


def test_every_script_is_a_part() -> None:
    assert {file.name for file in runner.SCRIPTS.iterdir()} == {*LANDING, *VERIFY}


@pytest.mark.parametrize(
    "script",
    sorted(file for file in (runner.ROOT / ".ci").rglob("*") if file.is_file()),
    ids=lambda file: file.name,
)
def test_script_of_ci_can_be_run(script: Path) -> None:
    """No other check reads them: Python finds its imports, and the shell parses the others."""
    if script.suffix == ".py":
        code = f"import runpy; runpy.run_path({str(script)!r})"
        command = [sys.executable, "-c", code]
    else:
        command = ["bash", "-n", str(script)]
    assert subprocess.run(command, check=False, capture_output=True, text=True).stderr == ""


@pytest.mark.parametrize(("code", "result"), [(0, "passed"), (1, "failed"), (130, "failed")])
def test_exit_code_is_the_result(stamps: Stamps, scripts: Path, code: int, result: str) -> None:
    write(scripts, "one", f"exit {code}")
    record = run_part("one", "abc", stamps, {})
    assert (record.result, record.commit) == (result, "abc")
    assert stamps.read("one") == record


def test_script_that_is_missing_fails(stamps: Stamps, scripts: Path) -> None:
    assert run_part("none", "abc", stamps, {}).result == "failed"


def test_waivers_and_notes_of_a_part_are_recorded(stamps: Stamps, scripts: Path) -> None:
    write(
        scripts,
        "one",
        'printf "3\\tno Loki\\n" >"$PART_OUTPUT/waivers"; echo why >"$PART_OUTPUT/notes"',
    )
    record = run_part("one", "abc", stamps, {})
    assert record.waivers == [Waiver(3, "no Loki")]
    assert record.notes == ["why"]
    write(scripts, "one", "")
    assert run_part("one", "abc", stamps, {}).waivers == []


def test_passed_part_is_not_run_again(stamps: Stamps, commit: str) -> None:
    stamps.write(Record("a", commit, 7.0, "passed", [Waiver(1, "no Go")]))
    runs = Runs({})
    records = run_parts(["a", "b"], stamps, resume=True, report=quiet, run=runs)
    assert runs.parts == ["b"]
    assert (records[0].resumed, records[0].waivers) == (True, [Waiver(1, "no Go")])


@pytest.mark.parametrize(
    ("stamp", "result"),
    [("abc", "failed"), ("abc", "interrupted"), ("other", "passed"), ("", "passed")],
)
def test_part_is_run_unless_it_passed_on_this_commit(
    stamps: Stamps, commit: str, stamp: str, result: Result
) -> None:
    stamps.write(Record("a", stamp, 7.0, result))
    runs = Runs({})
    run_parts(["a"], stamps, resume=True, report=quiet, run=runs)
    assert runs.parts == ["a"]


def test_named_part_is_run_anew(stamps: Stamps, commit: str) -> None:
    stamps.write(Record("a", commit, 7.0, "passed"))
    runs = Runs({})
    run_parts(["a"], stamps, resume=False, report=quiet, run=runs)
    assert runs.parts == ["a"]


def test_local_changes_are_never_resumed(stamps: Stamps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "current_commit", lambda: "")
    stamps.write(Record("a", "", 7.0, "passed"))
    runs = Runs({})
    run_parts(["a"], stamps, resume=True, report=quiet, run=runs)
    assert runs.parts == ["a"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"part": "a"}'])
def test_spoilt_stamp_is_none(stamps: Stamps, text: str) -> None:
    stamps.folder.mkdir()
    (stamps.folder / "a.json").write_text(text)
    assert stamps.read("a") is None


def test_failure_does_not_keep_others_from_running(stamps: Stamps, commit: str) -> None:
    runs = Runs({"a": "failed"})
    run_parts(["a", "b"], stamps, resume=True, report=quiet, run=runs)
    assert runs.parts == ["a", "b"]


@pytest.mark.parametrize(("part", "result"), [("lint", "failed"), ("a", "interrupted")])
def test_lint_and_ctrl_c_end_the_tier(
    stamps: Stamps, commit: str, part: str, result: Result
) -> None:
    runs = Runs({part: result})
    run_parts([part, "b"], stamps, resume=True, report=quiet, run=runs)
    assert runs.parts == [part]


def test_local_changes_have_no_commit(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        command = [
            "git",
            "-C",
            str(tmp_path),
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@b",
            *arguments,
        ]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    assert runner.current_commit(tmp_path) == ""
    git("init", "--quiet")
    git("commit", "--quiet", "--allow-empty", "-m", "first")
    assert runner.current_commit(tmp_path) == git("rev-parse", "HEAD") != ""
    (tmp_path / "new").touch()
    assert runner.current_commit(tmp_path) == ""
