"""Undo of faults: the steps as data, their record on disk, and the guard of a killed run.

A run records the steps before it injects a fault, so that any process can perform them.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import click
import psutil

from ..clients.faults import Faults
from ..clients.http import UnreachableError
from ..clients.responder import ResponderClient
from ..config import ROOT
from ..config.settings import IN_NETWORK, StackSettings
from ..errors import AlertdrillError
from ..file_lock import LockedError, file_lock
from ..runtimes.base import (
    EphemeralStackOwner,
    FaultTarget,
    ProgressCallback,
    StackRuntime,
    SupervisedStack,
    instances_of,
    running_ops_addresses,
)
from ..runtimes.select import select_fault_target, select_stack_runtime
from ..timescale.ephemeral_stack_settings import ephemeral_identity
from .model import DrillError

# The name of an action, then its arguments. Each step may be performed twice.
UndoStep = tuple[str, ...]
# What the rollback guard may take to undo everything and to stop an ephemeral stack.
GUARD_TIMEOUT_S = 60.0
# The kernel may take a while to end the rest of a killed run, and to release its lock.
LOCK_TIMEOUT_S = 30.0
# The variable that tags the processes of a run (the load, the stress of the host) with its id.
TAG_VARIABLE = "ALERTDRILL_RUN"
# Locust exits within two seconds after SIGTERM.
TERMINATE_TIMEOUT_S = 5.0
DONE = b"done"


def perform(runtime: FaultTarget, steps: Sequence[UndoStep]) -> list[str]:
    """Perform the steps, the last one first, and return a sentence for each failure."""
    failures = []
    for name, *arguments in reversed(steps):
        try:
            ACTIONS.get(name, _unknown)(runtime, *arguments)
        except (AlertdrillError, OSError) as error:
            failures.append(f"{name} {' '.join(arguments)}: {error}")
    return failures


def _clear_fault(runtime: FaultTarget, target: str, kind: str) -> None:
    refusals = []
    for address in running_ops_addresses(target, runtime.status()):
        try:
            Faults(address, runtime.faults_token()).switch_off(kind)
        except UnreachableError as error:
            if error.status is not None:  # else the process is gone, and its faults with it
                refusals.append(str(error))
    if refusals:
        raise AlertdrillError(" ".join(refusals))


def _scale(runtime: FaultTarget, service: str, count: str) -> None:
    instances = instances_of(service, runtime.status())
    # The responder may have scaled it back already.
    if sum(instance.state != "standby" for instance in instances) != int(count):
        runtime.scale(service, int(count), lambda _: None)


def _up(runtime: FaultTarget) -> None:
    if not isinstance(runtime, StackRuntime):
        raise AlertdrillError("only the host can start the stack again: use `make up`.")
    runtime.up(lambda _: None)


def _resume_supervisor(runtime: FaultTarget) -> None:
    if isinstance(runtime, SupervisedStack):
        runtime.signal_supervisor(signal.SIGCONT)


def _unknown(*_: object) -> None:
    raise AlertdrillError("this version has no such undo step.")


ACTIONS: Mapping[str, Callable[..., object]] = {
    "start": lambda runtime, target: runtime.start(target),
    "resume": lambda runtime, target: runtime.resume(target),
    "restore_config": lambda runtime, component, name: runtime.restore_config(component, name),
    "restore_targets": lambda runtime: runtime.restore_targets(),
    "clear_fault": _clear_fault,
    "close_circuit": lambda runtime, service: ResponderClient(
        runtime.address("responder"), runtime.responder_token()
    ).close_circuit(service),
    "scale": _scale,
    "up": _up,
    "resume_supervisor": _resume_supervisor,
    "remove_file": lambda _, path: Path(path).unlink(missing_ok=True),
}


# The processes of a run beside the stack


def tagged_environment(run_id: str) -> dict[str, str]:
    """Return this process's environment with the tag of the run."""
    return {**os.environ, TAG_VARIABLE: run_id}


def new_run_id(home: Path, began: float) -> str:
    """Return the id of a new run; it tells the home of the run, also without its record."""
    return f"{home.absolute()}:{began:.0f}-{os.getpid():x}"


def terminate_processes(run_id: str) -> Sequence[str]:
    """Terminate every process of a run, or of all runs whose ids begin with `HOME:`.

    Kill those that stay. Return the names of the processes.
    """
    processes, names = [], []
    for process in psutil.process_iter():
        # A process that exited, belongs to another user or is a zombie cannot be read.
        with contextlib.suppress(psutil.Error):
            tag = process.environ().get(TAG_VARIABLE, "")
            if tag == run_id or (run_id.endswith(":") and tag.startswith(run_id)):
                module = re.search(r" -m (\S+)", " ".join(process.cmdline()))
                names.append(module[1] if module else process.name())
                process.terminate()
                processes.append(process)
    _, alive = psutil.wait_procs(processes, timeout=TERMINATE_TIMEOUT_S)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=TERMINATE_TIMEOUT_S)
    return names


# The record on disk


@dataclass(frozen=True)
class UndoRecord:
    """A run in progress: its start, its stack, its current drill, and how to undo its fault."""

    run_id: str
    began: float
    stack: StackSettings
    alert: str = ""
    undo: Sequence[UndoStep] = ()
    # Set by the rollback guard of a run that was killed, after it has undone everything.
    undone: bool = False
    # While this process lives, no other process cleans up after the run.
    process: int = field(default_factory=os.getpid)


class UndoLog:
    """The file `drills/current.json` of a home; it exists only while a run is in progress."""

    def __init__(self, home: Path) -> None:
        self.file = home / "drills" / "current.json"

    def write(self, record: UndoRecord) -> None:
        """Replace the record atomically."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.file.with_suffix(".new")
        temporary.write_text(json.dumps(asdict(record), default=str))
        temporary.replace(self.file)

    def read(self) -> UndoRecord | None:
        """Return the record, or None if there is none or it is unreadable."""
        try:
            fields = json.loads(self.file.read_text())
            fields["stack"] = StackSettings.from_dict(fields["stack"])
            fields["undo"] = [tuple(step) for step in fields["undo"]]
            return UndoRecord(**fields)
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def clear(self) -> None:
        """Remove the record, once nothing is left to undo."""
        self.file.unlink(missing_ok=True)

    @contextmanager
    def lock(self, timeout_s: float | None = None) -> Iterator[None]:
        """Allow one run at a time in this home; raise `LockedError` if another is in progress.

        Without `timeout_s`, wait only for the rollback guard of a run that was killed.
        """
        if timeout_s is None:
            record, timeout_s = self.read(), 0.0
            try:
                if record and psutil.Process(record.process).status() == psutil.STATUS_ZOMBIE:
                    timeout_s = GUARD_TIMEOUT_S
            except psutil.NoSuchProcess:
                timeout_s = GUARD_TIMEOUT_S
        busy = "Another run of drills is in progress: wait until it ends."
        with file_lock(self.file.parent / "lock", busy, timeout_s):
            yield


# The undo of whole runs


def recover(undo_log: UndoLog) -> str:
    """Undo the fault of a run that was killed, and return a sentence about it.

    Raise `DrillError` if the fault stays. Without an earlier run, return an empty text.
    """
    if not undo_log.file.exists():
        return ""
    record = undo_log.read()
    if record is None:
        undo_log.clear()
        return "An earlier run was killed before its first fault."
    when = time.strftime("%H:%M:%S", time.localtime(record.began))
    killed = f"The run of {when} was killed" + (f" during {record.alert}" if record.alert else "")
    if not record.undone:
        terminate_processes(record.run_id)
        if failures := roll_back(record):
            raise DrillError(f"{killed}, and its fault cannot be undone: {failures[0]}")
    undo_log.clear()
    if record.undone:
        return f"{killed}; its rollback guard has undone its fault."
    ended = "its ephemeral stack is stopped" if record.stack.ephemeral else "its fault is undone"
    return f"{killed}; {ended} now."


def roll_back(record: UndoRecord, on_progress: ProgressCallback = lambda _: None) -> Sequence[str]:
    """Undo the fault of a run and stop its ephemeral stack; return the failures that remain."""
    failures = perform(select_fault_target(record.stack), record.undo) if record.undo else []
    for failure in failures:
        on_progress(failure)
    # The host stops the ephemeral stack around a container of drills.
    if not record.stack.ephemeral or record.stack.runtime == IN_NETWORK:
        return failures
    select_stack_runtime(record.stack, on_progress).down(on_progress)
    return ()  # the faulty stack no longer exists


def end_abandoned_runs(settings: StackSettings, on_progress: ProgressCallback) -> None:
    """End what killed runs have left: their processes, a fault, an ephemeral stack; report it.

    This works without a record and without a rollback guard. A run in progress goes on.
    """
    undo_log = UndoLog(settings.home)
    if not undo_log.file.parent.exists():
        return
    try:
        with undo_log.lock():
            if names := terminate_processes(f"{settings.home.absolute()}:"):
                on_progress(f"a killed run of drills left {', '.join(sorted(names))}: stopped")
            try:
                if sentence := recover(undo_log):
                    on_progress(sentence)
            except AlertdrillError as error:  # the stack is stopped in any case
                on_progress(str(error))
            ephemeral = ephemeral_identity(settings)
            runtime = select_stack_runtime(ephemeral, lambda _: None)
            # Compose finds its own in `down`, and leaves those that a run uses.
            if ephemeral.home.exists() and not isinstance(runtime, EphemeralStackOwner):
                runtime.down(on_progress)
    except LockedError:
        on_progress("a run of drills is in progress: its load and its ephemeral stack keep running")


def start_guard(home: Path) -> subprocess.Popen[bytes]:
    """Start the process that undoes the faults of this run once its standard input ends.

    That is when the run ends for any reason; the run sends `DONE` if it has undone everything.
    """
    # The log is empty unless a run was killed.
    with (home / "drills" / "guard.log").open("w") as file:
        return subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", __name__, str(home.absolute())],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=file,
            start_new_session=True,  # Ctrl-C reaches only the run
        )


def run_guard(home: Path) -> None:
    """Wait for the run to end, undo its fault, and stop its ephemeral stack."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if sys.stdin.buffer.read() == DONE:
        return
    undo_log = UndoLog(home)
    # A killed run closes this pipe a moment before it releases its lock.
    with undo_log.lock(LOCK_TIMEOUT_S):
        record = undo_log.read()
        if record is None or record.undone:
            return
        terminate_processes(record.run_id)
        failures = roll_back(record, click.echo)
        undo_log.write(replace(record, undone=not failures))


if __name__ == "__main__":
    run_guard(Path(sys.argv[1]))
