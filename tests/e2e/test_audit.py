"""`alertdrill audit` counts every request once, and names each request that a source misses."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.optional_programs import COLLECTOR, LOKI
from tests.e2e.stack import Stack, environment, free_ports, native_only, poll_until, processes_of

pytestmark = [pytest.mark.stack, native_only]

# A start, eight steps under traffic, and a pause: 90 s on two idle cores.
TIMEOUT_S = 240
SMALL = ["audit", "--requests", "1000", "--json"]


@pytest.fixture
def idle_stack(tmp_path: Path) -> Iterator[Stack]:
    """Return a stack that is not up: a run starts its own below this home."""
    yield Stack(environment(tmp_path, free_ports()), tmp_path)
    assert processes_of(tmp_path / "ephemeral" / "native") == []


def run_audit(stack: Stack) -> dict[str, Any]:
    """Run a small check; return its report."""
    completed = stack.alertdrill(*SMALL, check=False)
    report: dict[str, Any] = json.loads(completed.stdout or "{}")
    assert report, completed.stderr
    off = [source for source in report["sources"] if not source["exact"]]
    assert (off, report["failures"], completed.returncode) == ([], [], 0)
    return report


@pytest.mark.timeout(TIMEOUT_S)
def test_restarts_and_scaling_lose_nothing(idle_stack: Stack) -> None:
    report = run_audit(idle_stack)
    assert report["requests"] == 1000
    steps = [step["step"] for step in report["steps"]]
    assert {"restart web", "restart data-service", "scale web=3", "scale web=2"} <= set(steps)
    assert all(source["counted"] == 1000 for source in report["sources"])
    if LOKI and COLLECTOR:
        assert report["store"] == "Loki"
        assert {"restart collector", "restart loki"} <= set(steps)
        assert len(report["sources"]) == 13
    elif COLLECTOR:
        assert report["store"] == "fake Loki"
        assert len(report["sources"]) == 13
    else:
        assert report["store"] is None
        assert len(report["sources"]) == 9


@pytest.mark.timeout(TIMEOUT_S)
@pytest.mark.skipif(not COLLECTOR, reason="the collector is not installed")
def test_fake_loki_stores_every_line(idle_stack: Stack, tmp_path: Path) -> None:
    idle_stack.environment["PATH"] = without("loki", tmp_path / "bin")
    report = run_audit(idle_stack)
    assert report["store"] == "fake Loki"
    assert any("a fake of Loki" in note for note in report["notes"])
    assert {"restart collector", "restart fake-loki"} <= {step["step"] for step in report["steps"]}
    assert len(report["sources"]) == 13


def without(program: str, folder: Path) -> str:
    """Return the PATH without a program, and with all that lies beside it."""
    folder.mkdir()
    kept = []
    for name in os.environ["PATH"].split(os.pathsep):
        if (Path(name) / program).exists():
            for other in Path(name).iterdir():
                if other.name != program and not (folder / other.name).exists():
                    (folder / other.name).symlink_to(other)
        else:
            kept.append(name)
    return os.pathsep.join([str(folder), *kept])


@contextmanager
def running(stack: Stack, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Run the audit on the stack that is up while a test tampers with it."""
    with stack.start("audit", "--current-stack", "--json", *options) as process:
        try:
            yield process
        finally:
            process.terminate()


@pytest.mark.timeout(TIMEOUT_S)
def test_every_sabotage_is_reported(stack: Stack) -> None:
    # Long enough for three ways to tamper, at a rate that leaves time between two lines.
    with running(stack, "--requests", "400", "--rate", "20", "--rounds", "0") as process:
        dropped = tamper(stack, "data-service-1", blank)
        doubled = tamper(stack, "web-1", repeat)
        kill_what_holds_requests(stack, "web-2")
        output, errors = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 1, errors
    report = json.loads(output)
    sources = {source["name"]: source for source in report["sources"]}
    failed = [failure["id"] for failure in report["failures"]]
    assert failed
    assert set(sources["client: answered"]["missing"]) == set(failed)
    assert set(failed) <= set(sources["files: web"]["missing"])
    assert sources["files: web"]["duplicated"] == {doubled: 2}
    lost = set(sources["files: data-service"]["missing"])
    assert dropped in lost
    # A request that was passed on before its instance was killed is counted by data-service.
    assert lost - {dropped} <= set(failed)
    assert not sources["Prometheus: web"]["exact"]
    if report["store"]:
        assert sources["Loki: web"]["duplicated"] == {doubled: 2}


Tamper = Callable[[Path, bytes], None]


def tamper(stack: Stack, instance: str, how: Tamper) -> str:
    """Tamper with a line of the run in an instance's log; return its request id."""
    file = stack.home / "native" / "logs" / f"{instance}.jsonl"

    def lines() -> list[bytes]:
        every = file.read_bytes().splitlines(True)
        return [line for line in every if b'"access"' in line and b'"audit-' in line]

    line = poll_until(lines, f"a request in {file.name}", 20)[0]
    how(file, line)
    request_id: str = json.loads(line)["request_id"]
    return request_id


def blank(file: Path, line: bytes) -> None:
    """Overwrite a line in place; a reader that is past it does not notice."""
    with file.open("r+b") as log:
        log.seek(file.read_bytes().index(line))
        log.write(b"-" * (len(line) - 1))


def repeat(file: Path, line: bytes) -> None:
    """Write a line a second time."""
    with file.open("ab") as log:
        log.write(line)


def kill_what_holds_requests(stack: Stack, instance: str) -> None:
    """Kill an instance in the middle of its requests, which must not be sent again."""
    stack.alertdrill("pause", instance)
    query = f'haproxy_server_current_sessions{{server="{instance}"}}'
    poll_until(lambda: stack.total(query) > 0, f"requests in {instance}", 20)
    stack.alertdrill("kill", instance)
    poll_until(lambda: stack.instances()[instance]["state"] == "ready", "its return", 30)


@pytest.mark.timeout(TIMEOUT_S)
def test_interruption_leaves_nothing_running(idle_stack: Stack) -> None:
    with idle_stack.start(*SMALL) as process:
        assert process.stderr
        for line in process.stderr:
            if "restart web" in line:
                break
        process.terminate()
        output, errors = process.communicate(timeout=TIMEOUT_S)
    assert (process.returncode, output) == (130, "")
    assert "Interrupted: no counts were compared." in errors
