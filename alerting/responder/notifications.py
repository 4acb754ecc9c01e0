"""The HTTP API of notifications, and of the watchdog's state."""

from __future__ import annotations

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from apps.telemetry.problems import Problem

from . import app_state
from .errors import BadFilterError
from .notification_filters import parse_filters
from .timestamps import format_rfc3339, utc_now

MAX_ID = 2**63 - 1  # the largest of SQLite

blueprint = Blueprint("notifications", __name__)


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
def watchdog() -> ResponseReturnValue:
    """Return the state of Watchdog: 200, or 503 while its notifications are missing."""
    current = app_state.current().watchdog
    status = current.check(utc_now())
    body = {
        "missing": status.missing,
        "last_seen": status.last_seen and format_rfc3339(status.last_seen),
        "timeout_seconds": current.timeout.total_seconds(),
    }
    return jsonify(body), 503 if status.missing else 200
