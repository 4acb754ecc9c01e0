"""Which drills CI tries again: `run_drills` of .ci/part-functions."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.tiers.runner import ROOT

# Records its drills, and leaves the report and the exit code of this run.
MAKE = """#!/bin/sh
for argument; do case $argument in D=*) echo "${argument#D=}" >>"$HERE/ran";; esac; done
run=$(wc -l <"$HERE/ran")
mkdir -p "$ALERTDRILL_HOME/drills/$run"
cp "$HERE/$run.xml" "$ALERTDRILL_HOME/drills/$run/junit.xml"
! grep -q failure "$HERE/$run.xml"
"""


def run_drills(folder: Path, *reports: dict[str, str]) -> tuple[int, list[str]]:
    """Run drills that end with these verdicts; return the exit code and the drills of each run."""
    for number, verdicts in enumerate(reports, 1):
        cases = "".join(
            f'<testcase name="{name}">'
            + (f'<failure type="{verdict}" message="no"/>' if verdict != "passed" else "")
            + "</testcase>"
            for name, verdict in verdicts.items()
        )
        (folder / f"{number}.xml").write_text(f"<testsuites>{cases}</testsuites>")
    make = folder / "make"
    make.write_text(MAKE)
    make.chmod(0o755)
    output = folder / "output"
    output.mkdir()
    environment = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "HERE": str(folder),
        "ALERTDRILL_HOME": str(folder / "home"),
        "PART_OUTPUT": str(output),
    }
    script = f". {ROOT}/.ci/part-functions; run_drills A B"
    done = subprocess.run(["bash", "-c", script], env=environment, check=False, timeout=60)
    return done.returncode, (folder / "ran").read_text().splitlines()


def test_failed_drill_is_not_tried_again(tmp_path: Path) -> None:
    assert run_drills(tmp_path, {"A": "failed", "B": "passed"}) == (1, ["A B"])


@pytest.mark.parametrize(("second", "code"), [("passed", 0), ("inconclusive", 1), ("failed", 1)])
def test_inconclusive_drill_is_tried_again_once(tmp_path: Path, second: str, code: int) -> None:
    result = run_drills(tmp_path, {"A": "inconclusive", "B": "passed"}, {"A": second})
    assert result == (code, ["A B", "A --speed 6"])


def test_second_run_does_not_excuse_a_failed_drill(tmp_path: Path) -> None:
    result = run_drills(tmp_path, {"A": "inconclusive", "B": "failed"}, {"A": "passed"})
    assert result == (1, ["A B", "A --speed 6"])
