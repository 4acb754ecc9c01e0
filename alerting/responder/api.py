"""The HTTP API: the webhook, notifications, the watchdog's state, and drill results."""

from __future__ import annotations

import logging

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from apps.telemetry.problems import Problem

from . import app_state, watchdog
from .app_state import authorize, limit
from .db import MAX_ID
from .drill_results import DrillResult
from .errors import BadFilterError, DatabaseError, MalformedBodyError
from .notifications import Notification, parse_filters, parse_notification
from .validation import format_rfc3339, parse_body, utc_now

blueprint = Blueprint("api", __name__)
log = logging.getLogger(__name__)


@blueprint.post("/webhook")
def receive() -> dict[str, object]:
    """Store a notification; answer 200 once it is on disk.

    400: it is malformed, and a retry would not help. 503: the database fails; Alertmanager retries.
    """
    current = app_state.current()
    try:
        notification = parse_notification(_body())
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


@blueprint.get("/notifications")
def notifications() -> ResponseReturnValue:
    """Return the notifications that match the filters of the query, newest first."""
    try:
        filters = parse_filters(request.args.items(multi=True))
    except BadFilterError as error:
        raise Problem(400, str(error), field=error.name) from error
    return jsonify(app_state.current().notifications.find(filters))


@blueprint.get(f"/notifications/<int(max={MAX_ID}):notification_id>")
def notification(notification_id: int) -> ResponseReturnValue:
    """Return a notification with its payload."""
    row = app_state.current().notifications.get(notification_id)
    if row is None:
        raise Problem(404, f"No notification {notification_id}.")
    return jsonify(row)


@blueprint.get("/watchdog")
def watchdog_state() -> ResponseReturnValue:
    """Return the state of Watchdog: 200, or 503 while its notifications are missing."""
    current = app_state.current().watchdog
    status = current.check(utc_now())
    body = {
        "missing": status.missing,
        "last_seen": status.last_seen and format_rfc3339(status.last_seen),
        "timeout_seconds": current.timeout.total_seconds(),
    }
    return jsonify(body), 503 if status.missing else 200


@blueprint.get("/drills")
def drills() -> ResponseReturnValue:
    """Return drill results, newest first, filtered by `alert` and `limit`."""
    return jsonify(app_state.current().drill_results.find(limit(), request.args.get("alert")))


@blueprint.post("/drills")
def record_drill() -> ResponseReturnValue:
    """Store a drill result; answer 201 once it is on disk, 400 if it is malformed."""
    authorize()
    try:
        result = parse_body(DrillResult, request.get_data())
    except MalformedBodyError as error:
        raise Problem(400, str(error), field=error.field) from error
    current = app_state.current()
    row = current.drill_results.record(result)
    current.drill_metrics.update(row)
    reason = f": {result.reason.rstrip('.')}" if result.reason else ""
    log.info("Drill %s: %s%s.", result.alert, result.verdict, reason, extra={"drill_id": row["id"]})
    return jsonify(row), 201
