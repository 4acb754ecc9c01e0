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

from .engine_client import ContainerNotFoundError, EngineClient, ForbiddenError, UnavailableError
from .exit_events import NANOSECONDS, ExitTracker, read
from .restarter_log import log

# Events are asked for in windows, each of which the engine ends by itself: the loop always goes
# on, and at a window's end everything up to then was told. A death waits for one or two of them.
WINDOW_NS = 2 * NANOSECONDS
# An event is told a little after its moment; what is told twice does no harm.
OVERLAP_NS = 1 * NANOSECONDS
# How long ago a death may be that nobody watched: longer than the restarters or the proxies take to
# come back. Who died longer ago, or was forgotten by the engine (it keeps 256 events, of which
# health checks are most), is left alone: nobody knows why.
LOOKBACK_NS = 60 * NANOSECONDS
# Between two tries to reach the proxy, in seconds: at first, and at most.
MIN_RETRY_DELAY_S, MAX_RETRY_DELAY_S = 0.25, 2.0
# Says that the loop goes on, for the health check.
ALIVE_FILE = Path(os.environ.get("ALIVE", "/tmp/alive"))  # noqa: S108 - a container's own
RESTART_POLICIES = ("always", "unless-stopped")


class Engine(Protocol):
    """What is asked of the engine: see `EngineClient`."""

    def events(self, since: int, until: int) -> Sequence[Mapping[str, Any]]:
        """Return all that happened between two moments."""
        ...

    def inspect(self, name: str) -> Mapping[str, Any]:
        """Return all about a container."""
        ...

    def start(self, name: str) -> None:
        """Start a container."""
        ...


class Restarter:
    """Watches one project, window by window."""

    def __init__(self, engine: Engine, now: Callable[[], int] = time.time_ns) -> None:
        self._engine = engine
        self._now = now
        self._exits = ExitTracker()
        self._watched_until = now() - LOOKBACK_NS

    def watch_window(self) -> None:
        """Watch one window and start what is due; raise `UnavailableError` without an answer."""
        ALIVE_FILE.touch()
        begun = self._now()
        # The clock may have been set back.
        since = min(self._watched_until, begun) - OVERLAP_NS
        for row in self._engine.events(since, begun + WINDOW_NS):
            if event := read(row):
                self._exits.record(event)
        # An engine that ends cuts the window short.
        self._watched_until = min(begun + WINDOW_NS, self._now())
        for container, name in self._exits.due_for_restart(self._watched_until):
            ALIVE_FILE.touch()
            self._start(container, name)

    def _start(self, container: str, name: str) -> None:
        try:
            found = self._engine.inspect(name)
            if _wanted(found, container):
                self._engine.start(name)
                log("WARNING", f"{name} was killed: started it again.")
        except UnavailableError as error:
            log("ERROR", f"{name} can't be started yet: {error}")
            self._exits.postpone(container, self._now())
            return
        except ContainerNotFoundError:
            pass  # removed meanwhile
        except ForbiddenError as error:
            log("ERROR", f"{name} can't be started: {error}")
        self._exits.resolve(container)


def _wanted(found: Mapping[str, Any], container: str) -> bool:
    """Tell whether a container is still dead, and meant to run."""
    # Another may have its name by now, and the engine may be about to start it by itself.
    kept = found["HostConfig"]["RestartPolicy"]["Name"] in RESTART_POLICIES
    return bool(found["Id"] == container and kept and found["State"]["Status"] == "exited")


def run_forever(restarter: Restarter, sleep: Callable[[float], None] = time.sleep) -> None:
    """Keep, whether the proxy is there or not, until the process is ended."""
    pause = MIN_RETRY_DELAY_S
    while True:
        try:
            restarter.watch_window()
        except (UnavailableError, ContainerNotFoundError, ForbiddenError) as error:
            if pause == MIN_RETRY_DELAY_S:  # once is enough of each time
                log("WARNING", f"The engine's proxy is away: {error}")
            sleep(pause)
            pause = min(2 * pause, MAX_RETRY_DELAY_S)
            continue
        if pause > MIN_RETRY_DELAY_S:
            log("INFO", "The engine's proxy answers again.")
            pause = MIN_RETRY_DELAY_S


def main() -> None:
    """Keep the project that PROJECT names, by way of DOCKER_HOST."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        sys.exit(0)

    signal.signal(signal.SIGTERM, leave)
    project = os.environ.get("PROJECT", "alertdrill")
    host = os.environ.get("DOCKER_HOST", "tcp://docker-proxy:2375")
    log("INFO", f"Keeping the containers of {project}.")
    run_forever(Restarter(EngineClient(host, project)))


if __name__ == "__main__":
    main()
