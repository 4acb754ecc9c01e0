"""`POST /webhook`: receive and store Alertmanager's notifications."""

from __future__ import annotations

import logging

from flask import Blueprint, request
from werkzeug.exceptions import HTTPException

from apps.telemetry.problems import Problem

from . import app_state, watchdog
from .errors import DatabaseError, MalformedBodyError
from .timestamps import utc_now
from .webhook_payload import Notification, parse

blueprint = Blueprint("webhook", __name__)
log = logging.getLogger(__name__)


@blueprint.post("/webhook")
def receive() -> dict[str, object]:
    """Store a notification; answer 200 once it is on disk.

    400: it is malformed, and a retry would not help. 503: the database fails; Alertmanager retries.
    """
    current = app_state.current()
    try:
        notification = parse(_body())
        receipt = current.notifications.record(notification, utc_now())
    except MalformedBodyError as error:
        current.metrics.count_webhook("malformed")
        log.warning("Malformed notification: %s", error, extra={"field": error.field})
        raise Problem(400, str(error), field=error.field) from error
    except HTTPException:  # too large, or cut off
        current.metrics.count_webhook("malformed")
        raise
    except DatabaseError:
        current.metrics.count_webhook("failed")
        raise
    outcome = "duplicate" if receipt.duplicate else "stored"
    current.metrics.count_webhook(outcome)
    if not receipt.duplicate:
        current.metrics.count_notification(notification, utc_now())
        _log_notification(notification, receipt.id)
    _check_watchdog(notification)
    current.healing.wake()
    return {"id": receipt.id, "outcome": outcome}


def _body() -> bytes:
    # A page in a browser can post to the loopback interface, but JSON only after a preflight.
    if request.mimetype != "application/json":
        raise MalformedBodyError("Content-Type", "must be application/json.")
    return request.get_data()


def _log_notification(notification: Notification, notification_id: int) -> None:
    alerts = ", ".join(sorted({alert.name for alert in notification.alerts}))
    log.info(
        "Notified: %s %s",
        alerts,
        notification.status,
        extra={"notification_id": notification_id, "group_key": notification.group_key},
    )


def _check_watchdog(notification: Notification) -> None:
    names = {alert.name for alert in notification.alerts if alert.status == "firing"}
    if watchdog.ALERT in names:
        try:
            app_state.current().watchdog.check(utc_now())
        except DatabaseError as error:  # the notification is stored; the next check sees it
            log.warning("The watchdog check failed: %s", error)
