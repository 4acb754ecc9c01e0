import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alertdrill.config.settings import Ports, StackSettings
from alertdrill.drills import undo
from alertdrill.drills.faults.registry import KINDS, create
from alertdrill.drills.model import FaultSpec
from alertdrill.drills.undo import UndoLog, UndoRecord
from alertdrill.file_lock import LockedError
from alertdrill.runtimes.base import running_ops_addresses
from tests.http_server import FakeServer
from tests.unit.alertdrill.drills.fakes import FakeClock, make_context
from tests.unit.alertdrill.fake_runtime import instance

RESTORE = ("restore_config", "prometheus", "rules.d/drill.yml")
# What some kinds of faults need; the others ignore it.
PARAMETERS = {
    "component": "prometheus",
    "where": "host",
    "initial_available": 0.99,
    "available": 0.98,
    "every": 1.0,
    "requests_per_second": 1.0,
}


def test_last_step_is_undone_first(runtime: Any) -> None:
    steps = [("start", "web"), ("restore_targets",), RESTORE, ("resume", "lb")]
    assert undo.perform(runtime, steps) == []
    assert runtime.calls == steps[::-1]


def test_failure_does_not_stop_the_rest(runtime: Any, tmp_path: Path) -> None:
    runtime.refuses = {"resume"}
    steps = [("start", "web"), ("resume", "lb"), ("remove_file", str(tmp_path)), ("unheard-of",)]
    unknown, directory, refused = undo.perform(runtime, steps)
    assert unknown == "unheard-of : this version has no such undo step."
    assert directory.startswith(f"remove_file {tmp_path}: ")
    assert refused == "resume lb: No resume today."
    assert runtime.calls[-1] == ("start", "web")


def test_stack_is_started_again(runtime: Any) -> None:
    assert undo.perform(runtime, [("up",)]) == []
    assert runtime.calls == [("up",)]


def test_file_may_be_removed_twice(runtime: Any, tmp_path: Path) -> None:
    file = tmp_path / "drill.fill"
    file.write_text("x")
    for _ in range(2):
        assert undo.perform(runtime, [("remove_file", str(file))]) == []
    assert not file.exists()


def test_target_is_service_or_instance(runtime: Any) -> None:
    runtime.running = [
        instance("web-1", ops_address="a:1"),
        instance("web-2", ops_address="a:2"),
        instance("web-3", ops_address="a:3", state="standby", pid=None),
        instance("data-service-1", ops_address="a:4"),
    ]
    for target, addresses in {
        "web": ["a:1", "a:2"],
        "web-2": ["a:2"],
        "data-service": ["a:4"],
        "gone": [],
    }.items():
        assert list(running_ops_addresses(target, runtime.status())) == addresses


def test_fault_is_cleared_in_every_instance(runtime: Any, server: FakeServer) -> None:
    # The first instance is gone, and its faults with it.
    runtime.running = [instance("web-1"), instance("web-2", ops_address=server.address)]
    steps = [("clear_fault", "web", "errors")]
    server.answers["/faults/errors"] = {}
    assert undo.perform(runtime, steps) == []
    (request,) = server.requests
    sent = (request.method, request.path, request.token)
    assert sent == ("DELETE", "/faults/errors", "the-token")
    server.answers["/faults/errors"] = 500
    assert len(undo.perform(runtime, steps)) == 1


def test_circuit_is_closed_with_the_token(runtime: Any, server: FakeServer) -> None:
    runtime.urls["responder"] = server.url
    steps = [("close_circuit", "web")]
    url = f"{server.url}/circuits/web/close"
    server.answers["/circuits/web/close"] = {}
    assert undo.perform(runtime, steps) == []
    (request,) = server.requests
    sent = (request.method, request.path, request.token)
    assert sent == ("POST", "/circuits/web/close", "the-responders-token")
    server.answers["/circuits/web/close"] = 404  # the responder has not acted on the service
    assert undo.perform(runtime, steps) == []
    server.answers["/circuits/web/close"] = 401
    assert undo.perform(runtime, steps) == [f"close_circuit web: {url} answers 401: refused"]
    server.close()
    assert undo.perform(runtime, steps) == [
        f"close_circuit web: {url} does not answer: check `alertdrill status`."
    ]


@pytest.mark.parametrize(
    ("serving", "calls"), [(3, [("scale", "web", 2)]), (2, []), (1, [("scale", "web", 2)])]
)
def test_scale_is_restored_once(runtime: Any, serving: int, calls: list[object]) -> None:
    runtime.running = [instance(f"web-{n}") for n in range(1, serving + 1)]
    runtime.running += [instance("web-4", state="standby", pid=None), instance("data-service-1")]
    assert undo.perform(runtime, [("scale", "web", "2")]) == []
    assert runtime.calls == calls


@pytest.mark.parametrize("kind", KINDS)
def test_undo_of_every_kind_is_known_before_injection(
    runtime: Any, kind: str, tmp_path: Path, server: FakeServer
) -> None:
    runtime.urls["responder"] = server.url
    server.answers["/circuits/web/close"] = {}
    spec = FaultSpec(kind=kind, target="web", parameters=PARAMETERS)
    fault = create(spec, make_context(runtime, tmp_path), 1.0)
    fault.stop()  # harmless before the injection
    assert (runtime.calls, list(tmp_path.iterdir())) == ([], [])
    assert undo.perform(runtime, fault.undo) == []


# The record on disk

UNDO = [("start", "web"), RESTORE, ("restore_targets",)]
# No process has this pid: the kernel's maximum is 2^22.
GONE = 2**22 + 1


@pytest.fixture
def undo_log(tmp_path: Path) -> UndoLog:
    return UndoLog(tmp_path / "home")


@pytest.fixture
def record(tmp_path: Path) -> UndoRecord:
    stack = StackSettings(tmp_path, tmp_path / "cache", ports=Ports(lb=18080), faults_enabled=False)
    return UndoRecord("the-run", 1.5, replace(stack, speed=12.0, ephemeral=True), "Down", UNDO)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    clock = FakeClock()
    monkeypatch.setattr("alertdrill.file_lock.time", clock)
    return clock


def test_record_is_read_as_written(undo_log: UndoLog, record: UndoRecord) -> None:
    undo_log.clear()
    for written in (record, replace(record, undone=True, undo=[], stack=StackSettings(Path("/x")))):
        undo_log.write(written)
        assert undo_log.read() == written
    # The file is replaced atomically.
    assert [file.name for file in undo_log.file.parent.iterdir()] == ["current.json"]
    undo_log.clear()
    assert undo_log.read() is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"stack": {}, "undo": []}', '{"stack": 1, "undo": 1}']
)
def test_damaged_record_is_ignored(undo_log: UndoLog, text: str) -> None:
    undo_log.file.parent.mkdir(parents=True)
    undo_log.file.write_text(text)
    assert undo_log.read() is None


def test_record_of_another_version_is_ignored(undo_log: UndoLog, record: UndoRecord) -> None:
    undo_log.write(record)
    fields = json.loads(undo_log.file.read_text())
    fields["stack"]["unheard_of"] = 1
    undo_log.file.write_text(json.dumps(fields))
    assert undo_log.read() is None


@pytest.fixture
def zombie() -> Iterator[int]:
    """Return a zombie's pid: what a killed run is if its parent does not wait for it."""
    run = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, run.pid, os.WEXITED | os.WNOWAIT)
    yield run.pid
    run.wait()


@pytest.mark.parametrize(
    ("run", "timeout", "waits"),
    [
        ("none", None, 0),
        ("alive", None, 0),
        ("gone", None, undo.GUARD_TIMEOUT_S),
        ("zombie", None, undo.GUARD_TIMEOUT_S),
        ("alive", 10, 10),
    ],
)
def test_only_the_guard_of_a_killed_run_is_awaited(
    undo_log: UndoLog,
    record: UndoRecord,
    clock: FakeClock,
    zombie: int,
    run: str,
    timeout: float | None,
    waits: float,
) -> None:
    pid = {"alive": os.getpid(), "gone": GONE, "zombie": zombie}.get(run)
    if pid:
        undo_log.write(replace(record, process=pid))
    undo_log.file.parent.mkdir(parents=True, exist_ok=True)
    start = clock.now
    with (undo_log.file.parent / "lock").open("w") as lock:  # as another process does
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(LockedError, match=r"^Another run of drills is in progress"):
            undo_log.lock(timeout).__enter__()
    assert clock.now - start == pytest.approx(waits, abs=1)
