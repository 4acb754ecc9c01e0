"""Fakes of supervisord and the load balancer."""

from __future__ import annotations

from typing import Any


class FakeSupervisor:
    """A supervisord with every process of a plan; it records commands in `messages`."""

    def __init__(self, messages: list[str]) -> None:
        self.messages = messages
        self.running = False
        self.states: dict[str, str] = {}

    def is_running(self) -> bool:
        return self.running

    def processes(self) -> dict[str, dict[str, Any]]:
        return {
            name: {"name": name, "statename": state, "pid": 100 if state == "RUNNING" else 0}
            for name, state in self.states.items()
        }

    def start(self, name: str) -> None:
        self.messages.append(f"start {name}")
        self.states[name] = "RUNNING"

    def stop(self, *names: str, grace: float | None = None) -> None:
        self.messages.append(f"stop {' '.join(names)}")

    def request_stop(self, *names: str) -> None:
        self.messages.append("stop the rest")

    def shutdown(self) -> None:
        self.messages.append("shutdown")
        self.running = False


class FakeLb:
    """A load balancer with every service up; it records commands in `messages`."""

    def __init__(self, messages: list[str]) -> None:
        self.messages = messages

    def set(self, service: str, name: str, state: str) -> None:
        self.messages.append(f"{state} {name}")

    def is_up(self, service: str, name: str) -> bool:
        return True
