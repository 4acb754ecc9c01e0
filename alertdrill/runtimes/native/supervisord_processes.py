"""The processes of supervisord: it adopts those of a killed predecessor, and ends whole groups.

It also replaces frozen components. supervisord loads this module through its configuration:
`[rpcinterface:processes]`. It has no remote methods.
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from supervisor import events
from supervisor.dispatchers import POutputDispatcher
from supervisor.states import ProcessStates

from .tagged_processes import (
    NAME_VARIABLE,
    STACK_TAG,
    find_processes,
    is_paused,
    kill_processes,
    signal_instance,
    supervised,
)

# In the environment of a process that is left alone while it is frozen.
MAY_BE_FROZEN = "ALERTDRILL_MAY_BE_FROZEN"
# The descriptor of each output of a process.
OUTPUTS = {
    "stdout": (1, events.ProcessCommunicationStdoutEvent),
    "stderr": (2, events.ProcessCommunicationStderrEvent),
}


def open_output(pid: int, descriptor: int) -> int | None:
    """Return a read end of the pipe that a process writes its output to; None without a pipe.

    As long as one process has a read end, output waits in the pipe and is not lost.
    """
    path = Path(f"/proc/{pid}/fd/{descriptor}")
    with suppress(OSError):  # it has ended
        if path.is_fifo():
            return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    return None


class Processes:
    """Adds to a supervisord what it does when a process ends, and when it starts itself."""

    def __init__(self, supervisord: Any) -> None:
        self._supervisord = supervisord
        self._frozen: set[int] = set()
        self._options = supervisord.options
        self._wait = self._options.waitpid
        # waitpid() reports only the end of children; a handle (pidfd) reports that of any process.
        self._ends = select.poll()
        self._adopted: dict[int, int] = {}
        self._options.waitpid = self.waitpid
        events.subscribe(events.SupervisorRunningEvent, self.adopt)
        events.subscribe(events.Tick5Event, self.kill_frozen)

    def waitpid(self) -> tuple[int | None, int | None]:
        """Return the id and the status of a process that has ended; kill the rest of its group.

        A worker that outlives its master would keep the port, and the next master could not start.
        """
        pid, status = self._wait()
        for handle, _ in [] if pid else self._ends.poll(0)[:1]:
            self._ends.unregister(handle)
            os.close(handle)
            pid, status = self._adopted.pop(handle), 0
            self._options.logger.info(f"the exit status of {pid} is unknown: it was adopted")
        if pid in self._options.pidhistory:
            with suppress(PermissionError):
                signal_instance(pid, signal.SIGKILL)
        return pid, status

    def adopt(self, _event: object) -> None:
        """Adopt what an earlier supervisord has left running; kill orphaned workers."""
        processes = find_processes(os.environ[STACK_TAG])
        leaders = supervised(processes)
        for group in self._supervisord.process_groups.values():
            for name, process in group.processes.items():
                if name in leaders:
                    self._adopt(process, leaders[name])
        kill_processes(
            process
            for process in processes
            if NAME_VARIABLE in process.info["environ"]
            and _group(process.pid) not in self._options.pidhistory
        )

    def kill_frozen(self, _event: object) -> None:
        """Kill what was frozen five seconds ago too; supervisord starts it again."""
        frozen = {
            process.pid: name
            for group in self._supervisord.process_groups.values()
            for name, process in group.processes.items()
            if process.pid and not _may_be_frozen(process) and is_paused(process.pid)
        }
        for pid in self._frozen & frozen.keys():
            self._options.logger.warn(f"frozen: {frozen[pid]} ({pid}), killed it")
            signal_instance(pid, signal.SIGKILL)
        self._frozen = set(frozen)

    def _adopt(self, process: Any, running: psutil.Process) -> None:
        pid = running.pid
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:  # it has ended
            return
        self._adopted[handle] = pid
        self._ends.register(handle, select.POLLIN)
        self._options.pidhistory[pid] = process
        process.pid, process.laststart = pid, running.create_time()
        process.state = ProcessStates.STARTING  # RUNNING, if it is old enough
        process.pipes = self._outputs(process)
        process.dispatchers = {
            end: POutputDispatcher(process, OUTPUTS[name][1], end)
            for name, end in process.pipes.items()
        }
        self._options.logger.warn(f"adopted: {running.info['environ'][NAME_VARIABLE]} ({pid})")

    def _outputs(self, process: Any) -> Mapping[str, int]:
        names = ["stdout"] if process.config.redirect_stderr else ["stdout", "stderr"]
        ends = {name: open_output(process.pid, OUTPUTS[name][0]) for name in names}
        return {name: end for name, end in ends.items() if end is not None}


def _may_be_frozen(process: Any) -> bool:
    return MAY_BE_FROZEN in (process.config.environment or {})


def _group(pid: int) -> int | None:
    with suppress(ProcessLookupError):
        return os.getpgid(pid)
    return None


def make_interface(supervisord: object) -> object:
    """Take care of the processes from now on; return an interface without methods."""
    Processes(supervisord)
    return object()
