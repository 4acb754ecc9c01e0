"""Start again what was killed, as a supervisor does.

The engine's own restart policy brings back what crashes. What `docker kill` ends it takes for
stopped on purpose, and lets it lie; its events tell the two apart.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from .deaths import SECOND, Deaths, read
from .questions import AwayError, GoneError, Questions, RefusedError
from .said import say

# Events are asked for in windows, each of which the engine ends by itself: the loop always goes
# on, and at a window's end everything up to then was told. A death waits for one or two of them.
WINDOW = 2 * SECOND
# An event is told a little after its moment; what is told twice does no harm.
OVERLAP = 1 * SECOND
# How long ago a death may be that nobody watched: longer than the keepers or the proxies take to
# come back. Who died longer ago, or was forgotten by the engine (it keeps 256 events, of which
# health checks are most), is left alone: nobody knows why.
PAST = 60 * SECOND
# Between two tries to reach the proxy, in seconds: at first, and at most.
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 2.0
# Says that the loop goes on, for the health check.
ALIVE = Path(os.environ.get("ALIVE", "/tmp/alive"))  # noqa: S108 - a container's own
KEPT = ("always", "unless-stopped")


class Engine(Protocol):
    """What is asked of the engine: see `Questions`."""

    def events(self, since: int, until: int) -> Sequence[Mapping[str, Any]]:
        """Return all that happened between two moments."""
        ...

    def inspect(self, name: str) -> Mapping[str, Any]:
        """Return all about a container."""
        ...

    def start(self, name: str) -> None:
        """Start a container."""
        ...


class Keeper:
    """Watches one project, window by window."""

    def __init__(self, engine: Engine, now: Callable[[], int] = time.time_ns) -> None:
        self._engine = engine
        self._now = now
        self._deaths = Deaths()
        self._told = now() - PAST

    def turn(self) -> None:
        """Watch for one window, and start who is due; raise `AwayError` if nobody answers."""
        ALIVE.touch()
        begun = self._now()
        # The clock may have been set back.
        since = min(self._told, begun) - OVERLAP
        for row in self._engine.events(since, begun + WINDOW):
            if event := read(row):
                self._deaths.observe(event)
        # An engine that ends cuts the window short.
        self._told = min(begun + WINDOW, self._now())
        for container, name in self._deaths.due(self._told):
            ALIVE.touch()
            self._start(container, name)

    def _start(self, container: str, name: str) -> None:
        try:
            found = self._engine.inspect(name)
            if _wanted(found, container):
                self._engine.start(name)
                say("WARNING", f"{name} was killed: started it again.")
        except AwayError as error:
            say("ERROR", f"{name} can't be started yet: {error}")
            self._deaths.postpone(container, self._now())
            return
        except GoneError:
            pass  # removed meanwhile
        except RefusedError as error:
            say("ERROR", f"{name} can't be started: {error}")
        self._deaths.settle(container)


def _wanted(found: Mapping[str, Any], container: str) -> bool:
    """Tell whether a container is still dead, and meant to run."""
    # Another may have its name by now, and the engine may be about to start it by itself.
    kept = found["HostConfig"]["RestartPolicy"]["Name"] in KEPT
    return bool(found["Id"] == container and kept and found["State"]["Status"] == "exited")


def keep(keeper: Keeper, sleep: Callable[[float], None] = time.sleep) -> None:
    """Keep, whether the proxy is there or not, until the process is ended."""
    pause = FIRST_PAUSE
    while True:
        try:
            keeper.turn()
        except (AwayError, GoneError, RefusedError) as error:
            if pause == FIRST_PAUSE:  # once is enough of each time
                say("WARNING", f"The engine's proxy is away: {error}")
            sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            continue
        if pause > FIRST_PAUSE:
            say("INFO", "The engine's proxy answers again.")
            pause = FIRST_PAUSE


def main() -> None:
    """Keep the project that PROJECT names, by way of DOCKER_HOST."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        sys.exit(0)

    signal.signal(signal.SIGTERM, leave)
    project = os.environ.get("PROJECT", "alertdrill")
    host = os.environ.get("DOCKER_HOST", "tcp://docker-proxy:2375")
    say("INFO", f"Keeping the containers of {project}.")
    keep(Keeper(Questions(host, project)))


if __name__ == "__main__":
    main()
