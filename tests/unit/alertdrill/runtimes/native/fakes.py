"""Stand-ins for what a stack is run by."""

from __future__ import annotations

from typing import Any


class FakeSupervisor:
    """Knows every process of a plan; what it is asked goes to `said`."""

    def __init__(self, said: list[str]) -> None:
        self.said = said
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
        self.said.append(f"start {name}")
        self.states[name] = "RUNNING"

    def stop(self, *names: str, grace: float | None = None) -> None:
        self.said.append(f"stop {' '.join(names)}")

    def request_stop(self, *names: str) -> None:
        self.said.append("stop the rest")

    def shutdown(self) -> None:
        self.said.append("shutdown")
        self.running = False


class FakeLb:
    """Sees every service; what it is asked goes to `said`."""

    def __init__(self, said: list[str]) -> None:
        self.said = said

    def set(self, service: str, name: str, state: str) -> None:
        self.said.append(f"{state} {name}")

    def is_up(self, service: str, name: str) -> bool:
        return True
