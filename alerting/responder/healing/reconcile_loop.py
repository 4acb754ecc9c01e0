"""Run the reconciler in the background, in one of the responder's workers."""

from __future__ import annotations

import fcntl
import logging
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from threading import Event, Thread
from typing import IO

from ..errors import DatabaseError
from ..timestamps import utc_now
from .reconciler import Reconciler

# Seconds at speed 1 between two runs without a notification; a cooldown needs no more precision.
RECONCILE_INTERVAL_S = 2.0
# Seconds at speed 1 between two resyncs: the scrape interval of Prometheus.
RESYNC_INTERVAL_S = 5.0
# The minimum at any speed, because each run probes every instance.
MIN_INTERVAL_S = 0.25

log = logging.getLogger("healing")


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
