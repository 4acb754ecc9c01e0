"""Restart killed containers, as a supervisor does.

The engine's restart policy covers crashes only: it treats a container ended by `docker kill` as
stopped on purpose. Its events tell the two apart.
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

from .exit_events import NS_PER_SECOND, ExitTracker, read
from .restarter_engine_client import (
    ContainerNotFoundError,
    EngineClient,
    ForbiddenError,
    UnavailableError,
)
from .restarter_log import log

# Events are requested in windows, which the engine ends by itself: so the loop never blocks,
# and at a window's end all events are known. An exit is handled one or two windows later.
WINDOW_NS = 2 * NS_PER_SECOND
# An event arrives a little after its time; reading one twice is harmless.
OVERLAP_NS = 1 * NS_PER_SECOND
# How far back to look for exits when starting: longer than a restart of the restarters or the
# proxies takes. An older exit, or one that the engine has forgotten (it keeps 256 events, mostly
# health checks), is ignored, because its cause is unknown.
LOOKBACK_NS = 60 * NS_PER_SECOND
# The first and the longest delay before another request to the proxy, in seconds.
MIN_RETRY_DELAY_S, MAX_RETRY_DELAY_S = 0.25, 2.0
# The heartbeat file for the health check.
ALIVE_FILE = Path(os.environ.get("ALIVE", "/tmp/alive"))  # noqa: S108 - inside a container
RESTART_POLICIES = ("always", "unless-stopped")


class Engine(Protocol):
    """The engine's operations, as `EngineClient` has them."""

    def events(self, since: int, until: int) -> Sequence[Mapping[str, Any]]:
        """Return the events between two times."""
        ...

    def inspect(self, name: str) -> Mapping[str, Any]:
        """Return a container's details."""
        ...

    def start(self, name: str) -> None:
        """Start a container."""
        ...


class Restarter:
    """Watches the events of one project, window by window."""

    def __init__(self, engine: Engine, now: Callable[[], int] = time.time_ns) -> None:
        self._engine = engine
        self._now = now
        self._exits = ExitTracker()
        self._watched_until = now() - LOOKBACK_NS

    def watch_window(self) -> None:
        """Watch one window and start what is due; raise `UnavailableError` without an answer."""
        ALIVE_FILE.touch()
        started = self._now()
        # The clock may have been set back.
        since = min(self._watched_until, started) - OVERLAP_NS
        for row in self._engine.events(since, started + WINDOW_NS):
            if event := read(row):
                self._exits.record(event)
        # If the engine stops, the window is shorter.
        self._watched_until = min(started + WINDOW_NS, self._now())
        for container, name in self._exits.due_for_restart(self._watched_until):
            ALIVE_FILE.touch()
            self._start(container, name)

    def _start(self, container: str, name: str) -> None:
        try:
            details = self._engine.inspect(name)
            if _should_run(details, container):
                self._engine.start(name)
                log("WARNING", f"{name} was killed: restarted it.")
        except UnavailableError as error:
            log("ERROR", f"{name} can't be restarted yet: {error}")
            self._exits.postpone(container, self._now())
            return
        except ContainerNotFoundError:
            pass  # removed meanwhile
        except ForbiddenError as error:
            log("ERROR", f"{name} can't be restarted: {error}")
        self._exits.resolve(container)


def _should_run(details: Mapping[str, Any], container: str) -> bool:
    """Return whether a container is still stopped, and should run."""
    # Another container may have its name by now, and the engine may be restarting it.
    kept = details["HostConfig"]["RestartPolicy"]["Name"] in RESTART_POLICIES
    return bool(details["Id"] == container and kept and details["State"]["Status"] == "exited")


def run_forever(restarter: Restarter, sleep: Callable[[float], None] = time.sleep) -> None:
    """Watch windows forever, with growing delays while the proxy does not answer."""
    delay = MIN_RETRY_DELAY_S
    while True:
        try:
            restarter.watch_window()
        except (UnavailableError, ContainerNotFoundError, ForbiddenError) as error:
            if delay == MIN_RETRY_DELAY_S:  # log each outage once
                log("WARNING", f"The engine's proxy does not answer: {error}")
            sleep(delay)
            delay = min(2 * delay, MAX_RETRY_DELAY_S)
            continue
        if delay > MIN_RETRY_DELAY_S:
            log("INFO", "The engine's proxy answers again.")
            delay = MIN_RETRY_DELAY_S


def main() -> None:
    """Restart the containers of the project PROJECT, through DOCKER_HOST."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        sys.exit(0)

    signal.signal(signal.SIGTERM, leave)
    project = os.environ.get("PROJECT", "alertdrill")
    host = os.environ.get("DOCKER_HOST", "tcp://docker-proxy:2375")
    log("INFO", f"Watching the containers of {project}.")
    run_forever(Restarter(EngineClient(host, project)))


if __name__ == "__main__":
    main()
