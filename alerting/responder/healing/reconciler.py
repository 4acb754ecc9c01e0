"""Observe, plan and apply, again and again, in one of the responder's workers."""

from __future__ import annotations

import fcntl
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event, Thread
from typing import IO, Protocol

from ..errors import ControlApiError, DatabaseError
from ..healing_store import HealingStores
from ..metrics import HealingMetrics
from ..validation import utc_now
from .executor import Executor
from .planner import missed_alerts, plan
from .policy import Policy
from .snapshot import AlertSource, StateSource, observe

# Seconds at speed 1 between two runs without a notification; a cooldown needs no more precision.
RECONCILE_INTERVAL_S = 2.0
# Seconds at speed 1 between two resyncs: the scrape interval of Prometheus.
RESYNC_INTERVAL_S = 5.0
# The minimum at any speed, because each run probes every instance.
MIN_INTERVAL_S = 0.25

log = logging.getLogger("healing")


class Reconciler:
    """Applies the policy to what fires; one thread at a time calls it."""

    def __init__(  # noqa: PLR0913 - collaborators, by name
        self,
        policy: Policy,
        stores: HealingStores,
        *,
        state_source: StateSource,
        alert_source: AlertSource,
        executor: Executor,
        metrics: HealingMetrics,
    ) -> None:
        self._policy = policy
        self._stores = stores
        self._state_source = state_source
        self._alert_source = alert_source
        self._executor = executor
        self._metrics = metrics

    def reconcile(self, now: datetime) -> None:
        """Decide about every alert that fires; raise `DatabaseError` if the database fails."""
        snapshot = observe(
            now,
            self._policy,
            self._stores,
            state_source=self._state_source,
            alert_source=self._alert_source,
            executing=self._executor.executing(),
        )
        planned = plan(snapshot, self._policy, dry_run=self._executor.dry_run)
        self._executor.apply(planned, now)
        self._metrics.update(planned.expected, self._policy.limits)
        self._metrics.update_min_replicas(snapshot.services)

    def resync(self, now: datetime) -> None:
        """Adopt missed alerts and update the metrics of the services, also if nothing fires.

        Raises `DatabaseError` if the database fails.
        """
        alerts = list((self._alert_source.firing_alerts() or {}).values())
        firing, limits = self._stores.alerts.firing(), self._policy.limits
        self._executor.adopt(missed_alerts(alerts, firing, now.timestamp(), limits), now)
        try:
            _, services = self._state_source.get_state()
        except ControlApiError as error:
            log.debug("The state of the instances is unknown: %s", error)
            return
        self._metrics.update_min_replicas(services)


class Reconciles(Protocol):
    """What the loop runs: see `Reconciler`."""

    def reconcile(self, now: datetime) -> None:
        """Decide about every alert that fires."""
        ...

    def resync(self, now: datetime) -> None:
        """Adopt missed alerts."""
        ...


class ReconcileLoop:
    """Runs the reconciler in a thread; of several workers, one at a time holds the lock."""

    def __init__(self, reconciler: Reconciles, lock: Path, speed: float) -> None:
        self._reconciler = reconciler
        self._lock = lock
        self._interval = max(MIN_INTERVAL_S, RECONCILE_INTERVAL_S / speed)
        self._resync_interval = max(MIN_INTERVAL_S, RESYNC_INTERVAL_S / speed)
        self._woken = Event()
        self._stopped = Event()

    def start(self) -> None:
        """Run until `stop` or the end of the process."""
        Thread(target=self._run, name="reconciler", daemon=True).start()

    def wake(self) -> None:
        """Reconcile now, because something has changed."""
        self._woken.set()

    def stop(self) -> None:
        """Stop the loop."""
        self._stopped.set()
        self._woken.set()

    def _run(self) -> None:
        with self._lock.open("w") as file:
            while not self._stopped.is_set() and not _try_lock(file):
                self._stopped.wait(self._interval)
            resynced = -self._resync_interval
            while not self._stopped.is_set():
                self._woken.clear()
                if time.monotonic() - resynced >= self._resync_interval:
                    self._run_safely(self._reconciler.resync)
                    resynced = time.monotonic()
                started = time.monotonic()
                self._run_safely(self._reconciler.reconcile)
                # In an alert storm each notification wakes the loop. An equal pause after each run
                # leaves the other half of the time to requests.
                self._stopped.wait(time.monotonic() - started)
                self._woken.wait(self._interval)

    def _run_safely(self, step: Callable[[datetime], None]) -> None:
        try:
            step(utc_now())
        except DatabaseError as error:
            log.warning("No decision: %s", error)
        except Exception:  # an unknown error must not end healing; the next run may succeed
            log.exception("A run of the reconciler failed.")


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@dataclass(frozen=True)
class Healing:
    """The interface of healing to the rest of the responder; `loop` is None if it is off."""

    mode: str
    token: str
    stores: HealingStores
    loop: ReconcileLoop | None = None

    def start(self) -> None:
        """Start healing."""
        if self.loop:
            self.loop.start()

    def wake(self) -> None:
        """Reconcile now, because something has changed."""
        if self.loop:
            self.loop.wake()
