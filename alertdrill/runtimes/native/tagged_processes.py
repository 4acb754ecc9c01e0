"""The processes of a stack, which a variable of their environment identifies.

supervisord loads this module too, so it imports little.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections import Counter
from collections.abc import Iterable, Mapping

import psutil

# Identifies every process of a stack, even if supervisord is gone.
STACK_TAG = "ALERTDRILL_STACK"
# Has a digest of the configuration that a process was started with.
PROGRAM_TAG = "ALERTDRILL_PROGRAM"
# supervisord sets it in the environment of what it starts, and of no other process.
NAME_VARIABLE = "SUPERVISOR_PROCESS_NAME"
# A program that is still running after this time does not stop by itself.
TERMINATE_TIMEOUT_S = 5.0


def find_processes(home: str) -> list[psutil.Process]:
    """Return every process with the tag of the stack at `home`."""
    # The environment of a process of another user, or of a zombie, is None: not ours to stop.
    return [
        process
        for process in psutil.process_iter(["environ"])
        if (process.info["environ"] or {}).get(STACK_TAG) == home
    ]


def supervised(processes: Iterable[psutil.Process]) -> Mapping[str, psutil.Process]:
    """Return those that supervisord started itself, by name: each leads its process group."""
    leaders: dict[str, psutil.Process] = {}
    for process in processes:
        name = process.info["environ"].get(NAME_VARIABLE)
        with contextlib.suppress(ProcessLookupError):
            if name and os.getpgid(process.pid) == process.pid:
                leaders[name] = process
    return leaders


def find_supervisors(home: str) -> list[psutil.Process]:
    """Return the supervisord of the stack at `home`, if it runs, whether it answers or not."""
    supervisors = []
    for process in find_processes(home):
        with contextlib.suppress(psutil.Error):
            started_by_one = NAME_VARIABLE in process.info["environ"]
            if not started_by_one and "supervisor.supervisord" in process.cmdline():
                supervisors.append(process)
    return supervisors


def kill_processes(processes: Iterable[psutil.Process]) -> None:
    """Kill processes, and wait until they are gone."""
    killed = list(processes)
    for process in killed:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(killed, timeout=TERMINATE_TIMEOUT_S)


def describe(processes: Iterable[psutil.Process]) -> str:
    """Return what processes are, for users: the names in the stack, or the programs, counted."""
    names = Counter(_name(process) for process in processes)
    return ", ".join(
        name if count == 1 else f"{name} ({count})" for name, count in sorted(names.items())
    )


def _name(process: psutil.Process) -> str:
    if name := (process.info["environ"] or {}).get(NAME_VARIABLE):
        return str(name)
    try:
        module = re.search(r" -m (\S+)", " ".join(process.cmdline()))
        return module[1].removeprefix("supervisor.") if module else process.name()
    except psutil.Error:
        return f"process {process.pid}"


def terminate_processes(processes: Iterable[psutil.Process]) -> None:
    """Terminate processes, and kill those that are left after five seconds."""
    running = list(processes)
    for process in running:
        with contextlib.suppress(psutil.Error):
            process.resume()  # a frozen process ignores SIGTERM
            process.terminate()
    _, remaining = psutil.wait_procs(running, timeout=TERMINATE_TIMEOUT_S)
    kill_processes(remaining)


def signal_instance(pid: int, number: signal.Signals) -> None:
    """Send a signal to an instance and its workers; supervisord makes them one process group."""
    with contextlib.suppress(ProcessLookupError):  # gone meanwhile
        os.killpg(pid, number)


def variable_of(pid: int, name: str) -> str:
    """Return a variable in the environment of a process; empty if it has none, or does not run."""
    try:
        return str(psutil.Process(pid).environ().get(name, "")) if pid else ""
    except psutil.Error:
        return ""


def is_paused(pid: int) -> bool:
    """Return whether a process is frozen."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    except psutil.Error:
        return False
