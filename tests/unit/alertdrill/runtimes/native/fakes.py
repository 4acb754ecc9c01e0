"""Fakes of supervisord and the load balancer, which record commands in `messages`."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Mapping
from typing import Any, Literal

from alertdrill.runtimes.config_files import BACKENDS_FILE
from alertdrill.runtimes.native.haproxy_socket import LoadBalancer
from alertdrill.runtimes.native.layout import Layout
from alertdrill.runtimes.native.supervisor import Supervisor
from alertdrill.runtimes.native.tagged_processes import PROGRAM_TAG


class FakeSupervisor(Supervisor):
    """A supervisord whose processes only have a state, and a process id while they run."""

    def __init__(self, layout: Layout, messages: list[str]) -> None:
        super().__init__(layout)
        self.messages = messages
        self.states: dict[str, str] = {}
        # Of the programs that it knows, and of the processes that run.
        self._known: dict[str, str] = {}
        self._running: dict[str, str] = {}

    def launch(self) -> None:
        self.messages.append("supervisord")
        self._known = self._written()
        self.states = dict.fromkeys(self._known, "STOPPED")

    def _written(self) -> dict[str, str]:
        """Return the digest of each program in the configuration."""
        _, *programs = self._layout.supervisor_config.read_text().split("[program:")
        return {text.partition("]")[0]: _digest(text) for text in programs}

    def digests(self) -> Mapping[str, str]:
        return {
            name: self._running[name] for name, state in self.states.items() if state == "RUNNING"
        }

    def is_running(self) -> bool:
        return bool(self.states)

    def processes(self) -> Mapping[str, dict[str, Any]]:
        return {
            name: {"name": name, "statename": state, "pid": self.pid_of(name), "start": 0}
            for name, state in self.states.items()
        }

    def pid(self) -> int:
        return os.getpid()

    def pid_of(self, name: str) -> int:
        """Return a process id that the name determines."""
        return 100 + list(self.states).index(name) if self.states[name] == "RUNNING" else 0

    def start(self, *names: str) -> None:
        self.messages.extend(f"start {name}" for name in names)
        self._running |= {name: self._known[name] for name in names if not self.pid_of(name)}
        self.states |= dict.fromkeys(names, "RUNNING")

    def stop(self, *names: str, grace: float | None = None) -> None:
        if names:
            self.messages.append(f"stop {' '.join(names)}")
        self.states |= dict.fromkeys(names, "STOPPED")

    def request_stop(self, *names: str) -> None:
        self.messages.append("stop the rest")

    def reload(self) -> None:
        self.messages.append("reread")

    def add(self, *names: str) -> None:
        written = self._written()
        self._known |= {name: written[name] for name in names}
        self.states |= dict.fromkeys(names, "STOPPED")

    def remove(self, *names: str) -> None:
        for name in names:
            assert self.states.pop(name) != "RUNNING", name
        if names:
            self.messages.append(f"remove {' '.join(sorted(names))}")

    def send(self, name: str, number: signal.Signals) -> None:
        self.messages.append(f"{number.name} {name}")

    def shutdown(self) -> None:
        self.messages.append("shutdown")
        self.states = {}


def _digest(program: str) -> str:
    match = re.search(rf'\b{PROGRAM_TAG}="(\w+)"', program)
    assert match, program
    return match[1]


class FakeLb(LoadBalancer):
    """A load balancer with every service up, and requests that end one by one."""

    def __init__(self, layout: Layout, messages: list[str]) -> None:
        super().__init__(layout)
        self.messages = messages
        self.requests: dict[str, int] = {}
        self._digest, self._starts = "", 0

    def set(self, service: str, name: str, state: Literal["ready", "drain", "maint"]) -> None:
        self.messages.append(f"{state} {service}/{name}")

    def digest(self) -> str:
        """Return the digest of the files at the last start or reload."""
        starts = self.messages.count("SIGUSR2 lb-1") + self.messages.count("start lb-1")
        if starts != self._starts:
            self._starts = starts
            self._digest = (self._layout.lb / BACKENDS_FILE).read_text().split()[-1]
        return self._digest

    def sessions(self, service: str, name: str) -> int:
        left = self.requests.get(name, 0)
        self.messages.append(f"{name} has {left}")
        self.requests[name] = max(0, left - 1)
        return left

    def is_up(self, service: str, name: str) -> bool:
        return True

    def save_state(self) -> None:
        self.messages.append("save")

    def worker(self) -> int:
        """Return another process id after each reload."""
        return 1 + self.messages.count("SIGUSR2 lb-1")
