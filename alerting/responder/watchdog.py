"""The dead man's switch: notice when the alert that always fires stops coming."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event, Lock, Thread

import orjson

from .errors import JournalError
from .journal import Journal
from .payload import VERSION, Notification, parse
from .timestamps import format_rfc3339, utc_now

ALERT = "Watchdog"
MISSING = "WatchdogMissing"
RECEIVER = "responder"
# Not of the shape of Alertmanager's group keys, so no group of its own is taken for ours.
GROUP_KEY = f"{RECEIVER}/{MISSING}"
GO_ZERO_TIME = "0001-01-01T00:00:00Z"  # what Alertmanager puts where an alert has no end yet

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sighting:
    """What one check found; `last_seen` is None if no Watchdog is in the journal."""

    missing: bool
    last_seen: datetime | None


def late(last_seen: datetime, now: datetime, timeout: timedelta) -> bool:
    """Tell whether more than `timeout` has passed since the last sighting."""
    return now - last_seen > timeout


def missing_notification(status: str, since: str, until: str, last_seen: str) -> Notification:
    """Return the responder's own notification, in the form that Alertmanager's have."""
    labels = {"alertname": MISSING, "service": RECEIVER, "severity": "page"}
    annotations = {"summary": "No Watchdog notification arrives.", "last_seen": last_seen}
    alert = {
        "status": status,
        "labels": labels,
        "annotations": annotations,
        "startsAt": since,
        "endsAt": until,
        "generatorURL": "",
        "fingerprint": GROUP_KEY,
    }
    document = {
        "version": VERSION,
        "receiver": RECEIVER,
        "status": status,
        "groupKey": GROUP_KEY,
        "groupLabels": {"alertname": MISSING},
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": "",
        "truncatedAlerts": 0,
        "alerts": [alert],
    }
    return parse(orjson.dumps(document))


class Watchdog:
    """Watches the journal for Watchdog; `observe` is told the sighting in force and lateness.

    The journal holds the state, so workers agree and a restart forgets nothing: once missing, it
    stays missing until a Watchdog arrives. Until then a start counts as a sighting.
    """

    def __init__(
        self,
        journal: Journal,
        timeout_seconds: float,
        observe: Callable[[datetime, bool], None],
        started: datetime,
    ) -> None:
        self.timeout = timedelta(seconds=timeout_seconds)
        self._journal = journal
        self._observe = observe
        self._started = started
        self._stopped = Event()
        self._turn = Lock()  # an older check must not overwrite what a newer one found

    def check(self, now: datetime) -> Sighting:
        """Look at the journal, and tell of a change once; raise `JournalError` if it fails."""
        with self._turn:
            # The state first: what was resolved was resolved by a sighting that is read after it.
            known = self._journal.newest(GROUP_KEY)
            seen = self._journal.last_firing(ALERT)
            missing = known if known and known["status"] == "firing" else None
            in_force = max(seen or self._started, self._started)
            if missing:
                is_late = seen is None or late(seen, now, self.timeout)
            else:
                is_late = late(in_force, now, self.timeout)
            if is_late and not missing:
                self._turn_late(in_force, now)
            elif missing and not is_late:
                self._turn_back(missing["alerts"][0]["starts_at"], in_force, now)
            self._observe(in_force, is_late)
            return Sighting(is_late, seen)

    def start(self) -> None:
        """Check in the background until `stop` or the end of the process."""
        Thread(target=self._run, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """End the background checks."""
        self._stopped.set()

    def _run(self) -> None:
        while True:
            try:
                self.check(utc_now())
            except JournalError as error:
                log.warning("Watchdog is not checked: %s", error)
            # Twenty looks a timeout: lateness is noticed within 5 % of it.
            if self._stopped.wait(self.timeout.total_seconds() / 20):
                return

    def _turn_late(self, last_seen: datetime, now: datetime) -> None:
        seen = format_rfc3339(last_seen)
        notification = missing_notification("firing", format_rfc3339(now), GO_ZERO_TIME, seen)
        if self._journal.record_change(notification, now):
            log.error(
                "Watchdog is missing: nothing arrived for %d s, so no alert would; "
                "look at Prometheus and Alertmanager.",
                (now - last_seen).total_seconds(),
                extra={"last_seen": seen},
            )

    def _turn_back(self, since: str, last_seen: datetime, now: datetime) -> None:
        seen = format_rfc3339(last_seen)
        notification = missing_notification("resolved", since, format_rfc3339(now), seen)
        if self._journal.record_change(notification, now):
            log.info("Watchdog is back.", extra={"last_seen": seen})
