"""`alertdrill kill-matrix` measures faults on a real stack, and leaves none behind."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from alertdrill.kill_matrix.result import RowResult, read
from tests.e2e.stack import Stack, environment, free_ports, native_only, poll_until, processes_of

pytestmark = [pytest.mark.stack, native_only]

# A start, three rows with their steady states, and a stop: three minutes on two idle cores.
TIMEOUT_S = 900


@pytest.fixture
def idle_stack(tmp_path: Path) -> Iterator[Stack]:
    """Return a stack that is not up: a run starts its own below this home."""
    yield Stack(environment(tmp_path, free_ports()), tmp_path)
    assert processes_of(tmp_path / "ephemeral" / "native") == []


def rows(stack: Stack) -> dict[str, RowResult]:
    """Return the results by fault."""
    return {row.fault: row for row in read(stack.home / "kill-matrix.json").rows}


@pytest.mark.timeout(TIMEOUT_S)
def test_one_instance_recovers_from_every_fault(idle_stack: Stack) -> None:
    completed = idle_stack.alertdrill("kill-matrix", "--only", "web-1", "--speed", "4", check=False)
    results = rows(idle_stack)
    assert {fault: row.verdict for fault, row in results.items()} == dict.fromkeys(
        ("kill", "stop", "pause"), "recovered"
    ), completed.stdout
    assert completed.returncode == 0
    assert results["kill"].recovered_by == "supervisord"
    assert results["stop"].recovered_by.startswith("the responder")
    assert results["pause"].recovered_by == "the responder (InstanceHung)"
    assert results["stop"].lost == 0  # it drains
    assert "web" in (idle_stack.home / "kill-matrix.md").read_text()


@pytest.mark.timeout(TIMEOUT_S)
def test_killed_run_leaves_no_component_frozen(idle_stack: Stack) -> None:
    arguments = ("kill-matrix", "--only", "alertmanager", "--fault", "pause", "--timeout", "10m")
    record = idle_stack.home / "drills" / "current.json"
    with idle_stack.start(*arguments) as process:
        poll_until(
            lambda: record.exists() and "resume" in record.read_text(), "the fault", TIMEOUT_S / 2
        )
        process.send_signal(signal.SIGKILL)
        process.communicate()
    # The rollback guard stops the ephemeral stack, which a frozen process would survive.
    poll_until(lambda: not processes_of(idle_stack.home / "ephemeral" / "native"), "the guard", 120)
