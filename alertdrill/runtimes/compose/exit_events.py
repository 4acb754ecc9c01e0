"""Who died without having been stopped, as the engine's events tell it. Pure: time is passed in.

All moments are the engine's, in nanoseconds since 1970. Of a stop the engine says `kill`, `die` and
`stop` (or `destroy`); of a kill the `stop` is missing, and of a crash the `kill` too, which does
not matter here: what crashed the engine itself starts again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NANOSECONDS = 1_000_000_000
# What tells a stop from a kill.
ACTIONS = ("start", "die", "stop", "destroy")
# A stop is told within milliseconds of the death, on a busy host within half a second.
STOP_GRACE_NS = 1 * NANOSECONDS
# Between two tries to start a container that could not be.
RETRY_DELAY_NS = 2 * NANOSECONDS


@dataclass(frozen=True, slots=True)
class Event:
    """What became of a container: one of `ACTIONS`."""

    action: str
    container: str
    name: str
    moment: int


def read(row: Mapping[str, Any]) -> Event | None:
    """Return one line of `GET /events`, or None where it is not about a container."""
    if row.get("Type") != "container" or row.get("Action") not in ACTIONS:
        return None
    actor = row["Actor"]
    return Event(row["Action"], actor["ID"], actor["Attributes"]["name"], row["timeNano"])


@dataclass(slots=True)
class _ContainerState:
    """When each of these last happened to a container: 0 where it is not known to have."""

    name: str = ""
    started: int = 0
    died: int = 0
    stopped: int = 0
    resolved: int = 0
    not_before: int = 0

    def is_unexpected(self) -> bool:
        """Tell whether its last death was neither asked for nor dealt with."""
        # A stop may be told just before the death that it brings about.
        return self.died > max(self.started, self.resolved) and self.stopped <= self.started


class ExitTracker:
    """Everybody's last start, death and stop; an event may be told more than once."""

    def __init__(self) -> None:
        self._containers: dict[str, _ContainerState] = {}

    def record(self, event: Event) -> None:
        """Take note of an event."""
        if event.action == "destroy":
            self._containers.pop(event.container, None)
            return
        state = self._containers.setdefault(event.container, _ContainerState())
        state.name = event.name
        if event.action == "start":
            state.started = max(state.started, event.moment)
        elif event.action == "die":
            state.died = max(state.died, event.moment)
            state.not_before = max(state.not_before, state.died + STOP_GRACE_NS)
        elif event.action == "stop":
            state.stopped = max(state.stopped, event.moment)

    def due_for_restart(self, until: int) -> list[tuple[str, str]]:
        """Return id and name of all to be started, when every event up to `until` was told."""
        return [
            (container, state.name)
            for container, state in self._containers.items()
            if state.is_unexpected() and until >= state.not_before
        ]

    def resolve(self, container: str) -> None:
        """Have done with a death."""
        state = self._containers[container]
        state.resolved = state.died

    def postpone(self, container: str, now: int) -> None:
        """Try again a little later."""
        self._containers[container].not_before = now + RETRY_DELAY_NS
