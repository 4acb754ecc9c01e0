"""Who died without having been stopped, as the engine's events tell it. Pure: time is passed in.

All moments are the engine's, in nanoseconds since 1970. Of a stop the engine says `kill`, `die` and
`stop` (or `destroy`); of a kill the `stop` is missing, and of a crash the `kill` too, which does
not matter here: what crashed the engine itself starts again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SECOND = 1_000_000_000
# What tells a stop from a kill.
WATCHED = ("start", "die", "stop", "destroy")
# A stop is told within milliseconds of the death, on a busy host within half a second.
GRACE = 1 * SECOND
# Between two tries to start a container that could not be.
PAUSE = 2 * SECOND


@dataclass(frozen=True, slots=True)
class Event:
    """What became of a container: one of `WATCHED`."""

    action: str
    container: str
    name: str
    moment: int


def read(row: Mapping[str, Any]) -> Event | None:
    """Return one line of `GET /events`, or None where it is not about a container."""
    if row.get("Type") != "container" or row.get("Action") not in WATCHED:
        return None
    actor = row["Actor"]
    return Event(row["Action"], actor["ID"], actor["Attributes"]["name"], row["timeNano"])


@dataclass(slots=True)
class _Life:
    """When each of these last happened to a container: 0 where it is not known to have."""

    name: str = ""
    started: int = 0
    died: int = 0
    stopped: int = 0
    settled: int = 0
    not_before: int = 0

    def over(self) -> bool:
        """Tell whether its last death was neither asked for nor dealt with."""
        # A stop may be told just before the death that it brings about.
        return self.died > max(self.started, self.settled) and self.stopped <= self.started


class Deaths:
    """Everybody's last start, death and stop; an event may be told more than once."""

    def __init__(self) -> None:
        self._lives: dict[str, _Life] = {}

    def observe(self, event: Event) -> None:
        """Take note of an event."""
        if event.action == "destroy":
            self._lives.pop(event.container, None)
            return
        life = self._lives.setdefault(event.container, _Life())
        life.name = event.name
        if event.action == "start":
            life.started = max(life.started, event.moment)
        elif event.action == "die":
            life.died = max(life.died, event.moment)
            life.not_before = max(life.not_before, life.died + GRACE)
        elif event.action == "stop":
            life.stopped = max(life.stopped, event.moment)

    def due(self, until: int) -> list[tuple[str, str]]:
        """Return id and name of all to be started, when every event up to `until` was told."""
        return [
            (container, life.name)
            for container, life in self._lives.items()
            if life.over() and until >= life.not_before
        ]

    def settle(self, container: str) -> None:
        """Have done with a death."""
        life = self._lives[container]
        life.settled = life.died

    def postpone(self, container: str, now: int) -> None:
        """Try again a little later."""
        self._lives[container].not_before = now + PAUSE
