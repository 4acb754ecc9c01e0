"""Find containers that exited without being stopped, from the engine's events. Pure.

All times are the engine's, in nanoseconds since 1970. A stop has the events `kill`, `die` and
`stop` (or `destroy`); a kill lacks `stop`; a crash lacks `kill` too. The engine restarts a
crashed container by itself, so the difference does not matter here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NS_PER_SECOND = 1_000_000_000
# The events that distinguish a stop from a kill.
ACTIONS = ("start", "die", "stop", "destroy")
# The `stop` event follows within milliseconds, on a busy host within half a second.
STOP_GRACE_NS = 1 * NS_PER_SECOND
# The delay before another attempt to start a container.
RETRY_DELAY_NS = 2 * NS_PER_SECOND


@dataclass(frozen=True, slots=True)
class Event:
    """A container's event; `action` is one of `ACTIONS`."""

    action: str
    container: str
    name: str
    time_ns: int


def read(row: Mapping[str, Any]) -> Event | None:
    """Return an event of `GET /events`; None if it is not about a container."""
    if row.get("Type") != "container" or row.get("Action") not in ACTIONS:
        return None
    actor = row["Actor"]
    return Event(row["Action"], actor["ID"], actor["Attributes"]["name"], row["timeNano"])


@dataclass(slots=True)
class _ContainerState:
    """The time of each event of a container, and 0 for none."""

    name: str = ""
    started: int = 0
    died: int = 0
    stopped: int = 0
    resolved: int = 0
    not_before: int = 0

    def is_unexpected(self) -> bool:
        """Return whether its last exit was neither requested nor handled."""
        # The `stop` event may precede the exit that it causes.
        return self.died > max(self.started, self.resolved) and self.stopped <= self.started


class ExitTracker:
    """The last start, exit and stop of every container; an event may be recorded twice."""

    def __init__(self) -> None:
        self._containers: dict[str, _ContainerState] = {}

    def record(self, event: Event) -> None:
        """Record an event."""
        if event.action == "destroy":
            self._containers.pop(event.container, None)
            return
        state = self._containers.setdefault(event.container, _ContainerState())
        state.name = event.name
        if event.action == "start":
            state.started = max(state.started, event.time_ns)
        elif event.action == "die":
            state.died = max(state.died, event.time_ns)
            state.not_before = max(state.not_before, state.died + STOP_GRACE_NS)
        elif event.action == "stop":
            state.stopped = max(state.stopped, event.time_ns)

    def due_for_restart(self, until: int) -> list[tuple[str, str]]:
        """Return (id, name) of the containers to start, if every event before `until` is known."""
        return [
            (container, state.name)
            for container, state in self._containers.items()
            if state.is_unexpected() and until >= state.not_before
        ]

    def resolve(self, container: str) -> None:
        """Mark the last exit of a container as handled."""
        state = self._containers[container]
        state.resolved = state.died

    def postpone(self, container: str, now: int) -> None:
        """Delay the next attempt to start a container."""
        self._containers[container].not_before = now + RETRY_DELAY_NS
