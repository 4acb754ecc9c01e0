"""Tell containers that exited from those that were stopped, by the engine's events. Pure.

All times are the engine's, in nanoseconds since 1970. A stop has the events `kill`, `die` and
`stop` (or `destroy`); a kill lacks `stop`; a crash lacks `kill` too. The engine restarts a
crashed container by itself, so the difference does not matter here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..clients.engine import NS_PER_SECOND

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
    time_ns: int


def read(row: Mapping[str, Any]) -> Event | None:
    """Return an event of `GET /events`; None if it is not about a container."""
    if row.get("Type") != "container" or row.get("Action") not in ACTIONS:
        return None
    return Event(row["Action"], row["Actor"]["ID"], row["timeNano"])


@dataclass(slots=True)
class _LastEvents:
    """The time of each event of a container, and 0 for none."""

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
        self._containers: dict[str, _LastEvents] = {}

    def record(self, event: Event) -> None:
        """Record an event."""
        if event.action == "destroy":
            self._containers.pop(event.container, None)
            return
        last = self._containers.setdefault(event.container, _LastEvents())
        if event.action == "start":
            last.started = max(last.started, event.time_ns)
        elif event.action == "die":
            last.died = max(last.died, event.time_ns)
            last.not_before = max(last.not_before, last.died + STOP_GRACE_NS)
        elif event.action == "stop":
            last.stopped = max(last.stopped, event.time_ns)

    def unexpected(self, until: int) -> frozenset[str]:
        """Return the ids of the containers that exited without a stop.

        All events before `until` are known. An exit without an event counts as a stop.
        """
        return frozenset(
            container
            for container, last in self._containers.items()
            if last.is_unexpected() and until >= last.not_before
        )

    def resolve(self, container: str) -> None:
        """Mark the last exit of a container as handled."""
        last = self._containers[container]
        last.resolved = last.died

    def postpone(self, container: str, now: int) -> None:
        """Delay the next attempt to start a container."""
        self._containers[container].not_before = now + RETRY_DELAY_NS
