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

from ..clients import AlertmanagerClient, ControlApiClient, RuleEvaluators
from ..errors import ControlApiError, DatabaseError
from ..metrics import ResponderMetrics
from ..validation import utc_now
from .executor import Executor
from .planner import missed_alerts, plan
from .policy import Policy
from .snapshot import observe
from .store import HealingStore

# Seconds at speed 1 between two runs without a notification; a cooldown needs no more precision.
RECONCILE_INTERVAL_S = 2.0
# Seconds at speed 1 between two resyncs: the scrape interval of Prometheus.
RESYNC_INTERVAL_S = 5.0
# The minimum at any speed, because each run probes every instance.
MIN_INTERVAL_S = 0.25

log = logging.getLogger("healing")


@dataclass
class Reconciler:
    """Applies the policy to what fires; one thread at a time calls it."""

    policy: Policy
    store: HealingStore
    control_api: ControlApiClient
    alertmanager: AlertmanagerClient
    evaluators: RuleEvaluators
    executor: Executor
    metrics: ResponderMetrics

    def reconcile(self, now: datetime) -> None:
        """Decide about every alert that fires; raise `DatabaseError` if the database fails."""
        snapshot = observe(
            now,
            self.policy,
            self.store,
            control_api=self.control_api,
            alertmanager=self.alertmanager,
            evaluators=self.evaluators,
            executing=self.executor.executing(),
        )
        planned = plan(snapshot, self.policy, dry_run=self.executor.dry_run)
        self.executor.apply(planned, now)
        self.metrics.update_healing(planned.expected, self.policy.limits)
        self.metrics.update_min_replicas(snapshot.services)

    def resync(self, now: datetime) -> None:
        """Adopt missed alerts and update the metrics of the services, also if nothing fires.

        Raises `DatabaseError` if the database fails.
        """
        alerts = list((self.alertmanager.firing_alerts() or {}).values())
        firing, limits = self.store.firing(), self.policy.limits
        self.executor.adopt(missed_alerts(alerts, firing, now.timestamp(), limits), now)
        try:
            self.metrics.update_min_replicas(self.control_api.get_state().services)
        except ControlApiError as error:
            log.debug("The state of the instances is unknown: %s", error)


class ReconcileLoop:
    """Runs the reconciler in a thread; of several workers, one at a time holds the lock."""

    def __init__(self, reconciler: Reconciler, lock: Path, speed: float) -> None:
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
            while not self._stopped.is_set():
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError:  # another worker has it
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
