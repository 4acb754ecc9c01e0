"""Start the containers that should run and do not: observe, plan, apply.

The engine restarts a container that crashes. It does not restart one that is killed through it,
since it treats that as a stop by hand; its events tell the two apart. Each replica of the control
API runs this loop, and a start is harmless if another replica was faster.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..clients.engine import (
    NS_PER_SECOND,
    Container,
    ContainerNotFoundError,
    EngineUnavailableError,
    ForbiddenError,
)
from ..errors import AlertdrillError
from .exits import ACTIONS, ExitTracker, read

# Events are requested in windows, which the engine ends by itself: so the loop never blocks,
# and at a window's end all events are known. An exit is handled one or two windows later.
WINDOW_NS = 2 * NS_PER_SECOND
# An event arrives a little after its time; reading one twice is harmless.
OVERLAP_NS = 1 * NS_PER_SECOND
# How far back to look for exits when starting: longer than a restart of the control API or the
# proxies takes. An older exit, or one that the engine has forgotten (it keeps 256 events, mostly
# health checks), is ignored, because its cause is unknown.
LOOKBACK_NS = 60 * NS_PER_SECOND
# The first and the longest delay before another request to the proxy, in seconds.
MIN_RETRY_DELAY_S, MAX_RETRY_DELAY_S = 0.25, 2.0
# A window and a list, or one start, take eight seconds at most if the proxy does not answer.
MAX_SILENCE_S = 10.0
RESTART_POLICIES = ("always", "unless-stopped")
log = logging.getLogger("alertdrill.control.reconcile")


class Engine(Protocol):
    """The engine's operations, as `EngineClient` has them."""

    def containers(self) -> Sequence[Container]:
        """Return every container of the project."""
        ...

    def events(self, actions: Iterable[str], since: int, until: int) -> Sequence[Mapping[str, Any]]:
        """Return the events between two times."""
        ...

    def inspect(self, name: str) -> Mapping[str, Any]:
        """Return a container's details."""
        ...

    def start(self, name: str) -> None:
        """Start a container."""
        ...


@dataclass(frozen=True)
class Snapshot:
    """The project's containers, and the ids of those that run and of those that were stopped."""

    declared: Sequence[Container]
    running: Collection[str]
    intentionally_stopped: Collection[str]


def plan(
    declared: Iterable[Container], running: Collection[str], intentionally_stopped: Collection[str]
) -> list[Container]:
    """Return the containers to start: they should run, do not, and had no stop."""
    return [
        container
        for container in declared
        if container.id not in running and container.id not in intentionally_stopped
    ]


class Reconciler:
    """Compares what docker-compose.yml declares with what runs, window by window."""

    def __init__(self, engine: Engine, now: Callable[[], int] = time.time_ns) -> None:
        self._engine = engine
        self._now = now
        self._exits = ExitTracker()
        self._watched_until = now() - LOOKBACK_NS
        self._last_step = time.monotonic()

    def is_alive(self) -> bool:
        """Return whether the loop has made a step a short time ago."""
        return time.monotonic() - self._last_step < MAX_SILENCE_S

    def start_thread(self) -> None:
        """Reconcile in a thread, until the process ends."""
        threading.Thread(target=self.run_forever, name="reconcile", daemon=True).start()

    def run_forever(self, sleep: Callable[[float], None] = time.sleep) -> None:
        """Make one pass after the other, with growing delays while the proxy does not answer."""
        delay = MIN_RETRY_DELAY_S
        while True:
            try:
                self.reconcile()
            except AlertdrillError as error:
                if delay == MIN_RETRY_DELAY_S:  # log each outage once
                    log.warning("The engine's proxy does not answer: %s", error)
            except Exception:  # the thread must go on: no other part starts what is missing
                log.exception("A pass of the reconcile loop failed.")
            else:
                if delay > MIN_RETRY_DELAY_S:
                    log.info("The engine's proxy answers again.")
                    delay = MIN_RETRY_DELAY_S
                continue
            sleep(delay)
            delay = min(2 * delay, MAX_RETRY_DELAY_S)

    def reconcile(self) -> None:
        """Make one pass; raise `EngineUnavailableError` without an answer of the engine."""
        self._last_step = time.monotonic()
        snapshot = self.observe()
        for container in plan(snapshot.declared, snapshot.running, snapshot.intentionally_stopped):
            self._last_step = time.monotonic()
            self._start(container)

    def observe(self) -> Snapshot:
        """Watch one window of events, and list the containers at its end."""
        started = self._now()
        # The clock may have been set back.
        since = min(self._watched_until, started) - OVERLAP_NS
        for row in self._engine.events(ACTIONS, since, started + WINDOW_NS):
            if event := read(row):
                self._exits.record(event)
        # If the engine stops, the window is shorter.
        self._watched_until = min(started + WINDOW_NS, self._now())
        containers = self._engine.containers()
        exited = {container.id for container in containers if container.state == "exited"}
        return Snapshot(
            declared=containers,
            running={container.id for container in containers} - exited,
            intentionally_stopped=exited - self._exits.unexpected(self._watched_until),
        )

    def _start(self, container: Container) -> None:
        name = container.name
        try:
            details = self._engine.inspect(name)
            if _should_run(details, container.id):
                self._engine.start(name)
                log.warning("%s was killed: restarted it.", name)
        except EngineUnavailableError as error:
            log.log(logging.ERROR, "%s can't be restarted yet: %s", name, error)
            self._exits.postpone(container.id, self._now())
            return
        except ContainerNotFoundError:
            pass  # removed meanwhile
        except ForbiddenError as error:
            log.log(logging.ERROR, "%s can't be restarted: %s", name, error)
        self._exits.resolve(container.id)


def _should_run(details: Mapping[str, Any], container: str) -> bool:
    """Return whether a container is still stopped, and docker-compose.yml wants it to run."""
    # Another container may have its name by now, and the engine may be restarting it.
    kept = details["HostConfig"]["RestartPolicy"]["Name"] in RESTART_POLICIES
    return bool(details["Id"] == container and kept and details["State"]["Status"] == "exited")
