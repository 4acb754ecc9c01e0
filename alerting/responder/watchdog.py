"""The dead man's switch: it detects that the alert that always fires no longer arrives."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event, Lock, Thread

from .clients import RECEIVER
from .errors import DatabaseError
from .notifications import (
    GO_ZERO_TIME,
    Notification,
    NotificationStore,
    Status,
    own_notification,
)
from .validation import format_rfc3339, utc_now

ALERT = "Watchdog"
MISSING = "WatchdogMissing"
# Unlike any of Alertmanager's group keys, so that the two never mix.
GROUP_KEY = f"{RECEIVER}/{MISSING}"
# A missing Watchdog is detected within 5 % of the timeout.
CHECKS_PER_TIMEOUT = 20

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class HeartbeatStatus:
    """The result of a check; `last_seen` is None if no Watchdog was ever received."""

    missing: bool
    last_seen: datetime | None


def missing_notification(status: Status, since: str, until: str, last_seen: str) -> Notification:
    """Return the responder's own notification, in the form of Alertmanager's."""
    alert = {
        "status": status,
        "labels": {"alertname": MISSING, "service": RECEIVER, "severity": "page"},
        "annotations": {"summary": "No Watchdog notification arrives.", "last_seen": last_seen},
        "startsAt": since,
        "endsAt": until,
        "generatorURL": "",
        "fingerprint": GROUP_KEY,
    }
    return own_notification(GROUP_KEY, status, [alert])


@dataclass
class Watchdog:
    """Checks for Watchdog's notifications, and passes each result to `observe`.

    The state is in the database, so workers agree and it survives a restart: a missing Watchdog
    stays missing until a notification arrives. Otherwise the start counts as a notification.
    """

    store: NotificationStore
    timeout: timedelta
    observe: Callable[[datetime, bool], None]
    started: datetime
    _stopped: Event = field(default_factory=Event, init=False)
    # So that an older check does not overwrite a newer result.
    _lock: Lock = field(default_factory=Lock, init=False)

    def check(self, now: datetime) -> HeartbeatStatus:
        """Check the database and record a change once; raise `DatabaseError` if it fails."""
        with self._lock:
            # The state first: a notification that resolved it is then read by the second query.
            newest = self.store.newest(GROUP_KEY)
            last_received = self.store.last_firing(ALERT)
            firing = newest if newest and newest["status"] == "firing" else None
            last_seen = max(last_received or self.started, self.started)
            if firing:
                missing = last_received is None or now - last_received > self.timeout
            else:
                missing = now - last_seen > self.timeout
            seen, current = format_rfc3339(last_seen), format_rfc3339(now)
            if missing and not firing:
                own = missing_notification("firing", current, GO_ZERO_TIME, seen)
                if self.store.record_change(own, now):
                    log.error(
                        "Watchdog is missing: no notification for %d s, so no other alert would"
                        " arrive; check Prometheus and Alertmanager.",
                        (now - last_seen).total_seconds(),
                        extra={"last_seen": seen},
                    )
            elif firing and not missing:
                since = firing["alerts"][0]["starts_at"]
                own = missing_notification("resolved", since, current, seen)
                if self.store.record_change(own, now):
                    log.info("Watchdog arrives again.", extra={"last_seen": seen})
            self.observe(last_seen, missing)
            return HeartbeatStatus(missing, last_received)

    def start(self) -> None:
        """Check in the background until `stop` or the end of the process."""
        Thread(target=self._run, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """Stop the background checks."""
        self._stopped.set()

    def _run(self) -> None:
        while True:
            try:
                self.check(utc_now())
            except DatabaseError as error:
                log.warning("The watchdog check failed: %s", error)
            if self._stopped.wait(self.timeout.total_seconds() / CHECKS_PER_TIMEOUT):
                return
