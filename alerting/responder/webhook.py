"""Where Alertmanager delivers."""

from __future__ import annotations

import logging

from flask import Blueprint, request
from werkzeug.exceptions import HTTPException

from apps.telemetry.problems import Problem

from . import state, watchdog
from .errors import JournalError, MalformedBodyError
from .payload import Notification, parse
from .timestamps import utc_now

blueprint = Blueprint("webhook", __name__)
log = logging.getLogger(__name__)


@blueprint.post("/webhook")
def receive() -> dict[str, object]:
    """Answer 200 once the notification is on disk.

    400: it is malformed and would be again. 503: the disk fails, and Alertmanager tries again.
    """
    responder = state.current()
    try:
        notification = parse(_body())
        receipt = responder.journal.record(notification, utc_now())
    except MalformedBodyError as error:
        responder.metrics.count_webhook("malformed")
        log.warning("Malformed notification: %s", error, extra={"field": error.field})
        raise Problem(400, str(error), field=error.field) from error
    except HTTPException:  # too large, or cut off on the way
        responder.metrics.count_webhook("malformed")
        raise
    except JournalError:
        responder.metrics.count_webhook("failed")
        raise
    outcome = "duplicate" if receipt.duplicate else "stored"
    responder.metrics.count_webhook(outcome)
    if not receipt.duplicate:
        responder.metrics.count_notification(notification, utc_now())
        _tell(notification, receipt.id)
    _check_watchdog(notification)
    responder.healing.wake()
    return {"id": receipt.id, "outcome": outcome}


def _body() -> bytes:
    # A page in a browser can post anything to loopback, but not as JSON without asking first.
    if request.mimetype != "application/json":
        raise MalformedBodyError("Content-Type", "must be application/json.")
    return request.get_data()


def _tell(notification: Notification, row_id: int) -> None:
    alerts = ", ".join(sorted({alert.name for alert in notification.alerts}))
    log.info(
        "Notified: %s %s",
        alerts,
        notification.status,
        extra={"notification_id": row_id, "group_key": notification.group_key},
    )


def _check_watchdog(notification: Notification) -> None:
    names = {alert.name for alert in notification.alerts if alert.status == "firing"}
    if watchdog.ALERT in names:
        try:
            state.current().watchdog.check(utc_now())
        except JournalError as error:  # the notification is stored; the next check makes up for it
            log.warning("Watchdog is not checked: %s", error)
