"""The watch over supervisord, in the control API: each of the two starts the other again.

It also starts a component again that a person has stopped a while ago; the responder does this for
services.
"""

from __future__ import annotations

import logging
import os
import select
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import psutil

from ...config.components import COMPONENTS
from ...errors import AlertdrillError
from ...file_lock import LockedError
from ..base import MAX_STOPPED_S
from .stack import NativeStack
from .supervisor import SupervisorUnavailableError
from .supervisord_processes import OUTPUTS, open_output
from .tagged_processes import find_supervisors, kill_processes

# How often the read ends are compared with the processes. The end of supervisord ends the wait.
INTERVAL_S = 1.0
# A supervisord that has not answered for this time is frozen. It reads no output, so pipes fill and
# the processes that write to them stop. To replace one that is only slow costs nothing.
FROZEN_S = 10.0
log = logging.getLogger("alertdrill.control")


class SupervisorWatch:
    """Starts supervisord again if it is killed or frozen, and keeps the output of its processes.

    The new supervisord adopts the processes, within a second. Meanwhile their output waits in pipes
    of 64 KiB: 150 log lines each. Without the read ends that this process holds, the output would
    be lost, and it would end programs in Go, such as Prometheus.
    """

    def __init__(self, stack: NativeStack) -> None:
        self._stack = stack
        # The processes that ran at the last step, with the read ends of their output.
        self._running: dict[str, int] = {}
        self._outputs: dict[str, list[int]] = {}
        self._pid = 0  # of supervisord, once it has answered
        self._answered_at = 0.0

    def run_forever(self) -> None:
        """Make one step after the other, until this process ends."""
        while True:
            try:
                self.step()
            except LockedError:
                pass  # another command starts or stops the stack
            except AlertdrillError as error:
                log.log(logging.ERROR, "supervisord can't be started again: %s", error)
            except Exception:  # the thread must go on: no other part starts supervisord
                log.exception("A step of the watch over supervisord failed.")
            self._wait()

    def step(self) -> None:
        """Hold the output of new processes; start supervisord again if it is gone or frozen."""
        try:
            processes = self._stack.supervisor.processes()
            self._hold_outputs(processes)
            self._pid = self._stack.supervisor.pid()
            self._answered_at = time.monotonic()
            self._start_stopped(processes)
        except SupervisorUnavailableError:
            if self._pid and not self._may_answer():
                self._start_again()

    def _wait(self) -> None:
        """Return when supervisord ends, or after a second."""
        try:
            handle = os.pidfd_open(self._pid)
        except OSError:  # it has not answered yet, or has ended
            time.sleep(INTERVAL_S)
            return
        with os.fdopen(handle):
            select.select([handle], [], [], INTERVAL_S)

    def _may_answer(self) -> bool:
        silent_for = time.monotonic() - self._answered_at
        return silent_for < FROZEN_S and bool(self._supervisors())

    def _supervisors(self) -> Sequence[psutil.Process]:
        return find_supervisors(str(self._stack.layout.home))

    def _hold_outputs(self, processes: Mapping[str, Mapping[str, Any]]) -> None:
        running = {name: info["pid"] for name, info in processes.items() if info["pid"]}
        for name, pid in self._running.items():
            if running.get(name) != pid:
                for end in self._outputs.pop(name):
                    os.close(end)
        for name, pid in running.items():
            if self._running.get(name) != pid:
                ends = (open_output(pid, descriptor) for descriptor, _ in OUTPUTS.values())
                self._outputs[name] = [end for end in ends if end is not None]
        self._running = running

    def _start_stopped(self, processes: Mapping[str, Mapping[str, Any]]) -> None:
        longest = MAX_STOPPED_S / self._stack.settings.speed
        for name, info in processes.items():
            # One that was never started has not been stopped either.
            is_stopped = info["statename"] == "STOPPED" and info["stop"]
            is_late = info["now"] - info["stop"] >= longest
            if is_stopped and is_late and name.rpartition("-")[0] in COMPONENTS:
                with self._stack.lock():
                    self._stack.supervisor.start(name)
                log.warning("%s was stopped: restarted it.", name)

    def _start_again(self) -> None:
        """Start supervisord, and what has ended since the last step."""
        with self._stack.lock():
            if self._may_answer():
                return
            # A frozen one still has its processes: two of them would start everything twice.
            frozen = self._supervisors()
            kill_processes(frozen)
            self._stack.supervisor.launch()
            state = "frozen" if frozen else "killed"
            log.warning("supervisord was %s: started it again.", state)
            processes = self._stack.supervisor.processes()
            for name in self._running:
                with suppress(KeyError):
                    if not processes[name]["pid"]:
                        self._stack.supervisor.start(name)
