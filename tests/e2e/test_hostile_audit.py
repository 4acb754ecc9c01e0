"""`alertdrill audit --hostile` explains every answer, and names the input of one that it can't."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alertdrill.audit.hostile.inputs import read_inputs
from tests.e2e.stack import Stack, native_only, poll_until, running_stack

pytestmark = [pytest.mark.stack, native_only]

# The inputs take a few seconds; the clients that stall take 15 s, and the last lines 20 s.
TIMEOUT_S = 240
HOSTILE = ["audit", "--hostile", "--current-stack", "--json"]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Return a stack of its own: hostile inputs would disturb the tests of other modules."""
    with running_stack(tmp_path_factory.mktemp("hostile")) as running:
        yield running


@pytest.mark.timeout(TIMEOUT_S)
def test_every_answer_is_explained(stack: Stack) -> None:
    completed = stack.alertdrill(*HOSTILE, "--requests", "2000", "--seed", "1", check=False)
    report: dict[str, Any] = json.loads(completed.stdout or "{}")
    assert (report.get("offenders"), completed.returncode) == ([], 0), completed.stderr
    assert report["inputs"] == 2000
    assert all(source["difference"] == 0 < source["counted"] for source in report["counters"])


@pytest.mark.timeout(TIMEOUT_S)
def test_duplicated_line_is_reported_with_its_input(stack: Stack) -> None:
    file = stack.home / "native" / "logs" / "web-1.jsonl"
    before = len(hostile_lines(file))
    with stack.start(*HOSTILE, "--requests", "600", "--rate", "40") as process:
        line = poll_until(lambda: hostile_lines(file)[before:], "a line of web", 60)[0]
        with file.open("ab") as log:
            log.write(line)
        output, errors = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 1, errors
    [offender] = json.loads(output)["offenders"]
    assert offender["reason"].startswith("web has 2 lines")
    written = max((stack.home / "audit").glob("*/inputs.jsonl"))
    [item] = read_inputs(written)
    number = int(json.loads(line)["request_id"].split("-")[2].split(".")[0])
    assert item.number == offender["number"] == number


def hostile_lines(file: Path) -> list[bytes]:
    """Return the whole access lines that an instance has of the audit's own ids."""
    lines = file.read_bytes().splitlines(True)
    return [
        line for line in lines if b'"access"' in line and b'"hostile-' in line and b"\n" in line
    ]
