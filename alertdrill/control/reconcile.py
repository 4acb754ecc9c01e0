"""Start the containers that exited without a stop, and restart frozen and stopped components.

The engine restarts a container that crashes. It does not restart one that is killed through it,
since it treats that as a stop by hand; its events tell the two apart. Each replica of the control
API runs this loop, and a start is harmless if another replica was faster. A service that is frozen
or stopped has an alert, and the responder restarts it; any other component is restarted here: a
frozen one soon, and one that a person has stopped after ten minutes.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..config.components import COMPONENTS
from ..errors import AlertdrillError
from ..runtimes.base import MAX_STOPPED_S
from ..runtimes.engine import NS_PER_SECOND, ListedContainer, ProjectEngine
from ..runtimes.errors import EngineError

# The events that distinguish a stop from a kill.
ACTIONS = ("start", "die", "stop", "destroy")
# The `stop` event follows within milliseconds, on a busy host within half a second.
STOP_GRACE_NS = 1 * NS_PER_SECOND
# The delay before another attempt to start a container.
RETRY_DELAY_NS = 2 * NS_PER_SECOND
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
# Above the loop's window. The proxy's name has two addresses, and both may hang: together they stay
# below MAX_SILENCE_S.
ENGINE_TIMEOUT_S = 4.0
# A window and a list, or one start, take eight seconds at most if the proxy does not answer.
MAX_SILENCE_S = 10.0
# A component that is paused for longer is frozen. Each window ends with a list of the containers.
FROZEN_NS = 10 * NS_PER_SECOND
RESTART_POLICIES = ("always", "unless-stopped")
log = logging.getLogger("alertdrill.control.reconcile")


class ExitTracker:
    """The last events of every container; an event may be recorded twice.

    All times are the engine's, in nanoseconds since 1970. A stop has the events `kill`, `die` and
    `stop` (or `destroy`); a kill lacks `stop`; a crash lacks `kill` too. The engine restarts a
    crashed container by itself, so the difference does not matter here.
    """

    def __init__(self) -> None:
        # For each container, the time of each action, and of what is known about its last exit.
        self._times: dict[str, Counter[str]] = defaultdict(Counter)

    def record(self, action: str, container: str, time_ns: int) -> None:
        """Record an event; `action` is one of `ACTIONS`."""
        if action == "destroy":
            self._times.pop(container, None)
            return
        times = self._times[container]
        times[action] = max(times[action], time_ns)
        if action == "die":
            times["not_before"] = max(times["not_before"], times["die"] + STOP_GRACE_NS)

    def unexpected(self, until: int) -> frozenset[str]:
        """Return the ids of the containers that exited without a stop.

        All events before `until` are known. An exit without an event counts as a stop.
        """
        return frozenset(
            container
            for container, times in self._times.items()
            if times["die"] > max(times["start"], times["resolved"])
            # The `stop` event may precede the exit that it causes.
            and times["stop"] <= times["start"]
            and until >= times["not_before"]
        )

    def resolve(self, container: str) -> None:
        """Mark the last exit of a container as handled."""
        self._times[container]["resolved"] = self._times[container]["die"]

    def postpone(self, container: str, now: int) -> None:
        """Delay the next attempt to start a container."""
        self._times[container]["not_before"] = now + RETRY_DELAY_NS


class Reconciler:
    """Starts what should run, window by window; `now` is in nanoseconds since 1970."""

    def __init__(
        self, engine: ProjectEngine, now: Callable[[], int] = time.time_ns, speed: float = 1.0
    ) -> None:
        self._engine = engine
        self._now = now
        self._max_stopped = MAX_STOPPED_S / speed * NS_PER_SECOND
        self._exits = ExitTracker()
        self._watched_until = now() - LOOKBACK_NS
        # When each paused or exited component was first seen so.
        self._since: dict[tuple[str, str], int] = {}
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
        """Make one pass; raise `EngineError` without an answer of the engine."""
        self._last_step = time.monotonic()
        containers = self.observe()
        unexpected = self._exits.unexpected(self._watched_until)
        for container in containers:
            if container.state == "exited" and container.id in unexpected:
                self._last_step = time.monotonic()
                self._start(container)
        lasting = self._lasting(containers)
        for container in lasting["paused"]:
            self._last_step = time.monotonic()
            self._restart(container)
        for container in lasting["exited"]:
            self._last_step = time.monotonic()
            self._start(container, "stopped")

    def observe(self) -> Sequence[ListedContainer]:
        """Watch one window of events; return the containers after it."""
        started = self._now()
        # The clock may have been set back.
        since = min(self._watched_until, started) - OVERLAP_NS
        for row in self._engine.events(ACTIONS, since, started + WINDOW_NS):
            # Networks and volumes are destroyed too.
            if row.get("Type") == "container" and row.get("Action") in ACTIONS:
                self._exits.record(row["Action"], row["Actor"]["ID"], row["timeNano"])
        # If the engine stops, the window is shorter.
        self._watched_until = min(started + WINDOW_NS, self._now())
        return self._engine.listed()

    def _lasting(
        self, containers: Iterable[ListedContainer]
    ) -> Mapping[str, Sequence[ListedContainer]]:
        """Return the components that have been paused or exited for too long, by state."""
        now, before = self._now(), self._since
        longest = {"paused": FROZEN_NS, "exited": self._max_stopped}
        ours = [row for row in containers if row.service in COMPONENTS and row.state in longest]
        self._since = {(row.id, row.state): before.get((row.id, row.state), now) for row in ours}
        return {
            state: [
                row
                for row in ours
                if row.state == state and now - self._since[row.id, state] >= limit
            ]
            for state, limit in longest.items()
        }

    def _restart(self, container: ListedContainer) -> None:
        try:
            # Another replica may have been faster.
            if self._engine.inspect(container.name)["State"]["Status"] == "paused":
                self._engine.stop(container.name, 0, "restart")
                log.warning("%s was frozen: restarted it.", container.name)
        except EngineError as error:
            if error.status != 404:  # removed meanwhile
                log.log(logging.ERROR, "%s can't be restarted yet: %s", container.name, error)

    def _start(self, container: ListedContainer, state: str = "killed") -> None:
        name = container.name
        try:
            details = self._engine.inspect(name)
            if _should_run(details, container.id):
                self._engine.start(name)
                log.warning("%s was %s: restarted it.", name, state)
        except EngineError as error:
            if error.status == 403:  # the proxy forbids it
                log.log(logging.ERROR, "%s can't be restarted: %s", name, error)
            elif error.status != 404:  # removed meanwhile
                log.log(logging.ERROR, "%s can't be restarted yet: %s", name, error)
                self._exits.postpone(container.id, self._now())
                return
        self._exits.resolve(container.id)


def _should_run(details: Mapping[str, Any], container: str) -> bool:
    """Return whether a container is still stopped, and docker-compose.yml wants it to run."""
    # Another container may have its name by now, and the engine may be restarting it.
    kept = details["HostConfig"]["RestartPolicy"]["Name"] in RESTART_POLICIES
    return bool(details["Id"] == container and kept and details["State"]["Status"] == "exited")
