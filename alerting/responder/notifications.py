"""The journal over HTTP, and the watchdog's state."""

from __future__ import annotations

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from apps.telemetry.problems import Problem

from . import state
from .errors import BadFilterError
from .filters import parse_filters
from .timestamps import format_rfc3339, utc_now

MAX_ID = 2**63 - 1  # SQLite's largest

blueprint = Blueprint("notifications", __name__)


@blueprint.get("/notifications")
def notifications() -> ResponseReturnValue:
    """Return the notifications that match the query's filters, newest first."""
    try:
        filters = parse_filters(request.args.items(multi=True))
    except BadFilterError as error:
        raise Problem(400, str(error), field=error.name) from error
    return jsonify(state.current().journal.find(filters))


@blueprint.get(f"/notifications/<int(max={MAX_ID}):notification_id>")
def notification(notification_id: int) -> ResponseReturnValue:
    """Return one notification with the payload as it was received."""
    found = state.current().journal.get(notification_id)
    if found is None:
        raise Problem(404, f"There is no notification {notification_id}.")
    return jsonify(found)


@blueprint.get("/watchdog")
def watchdog() -> ResponseReturnValue:
    """Return when Watchdog was last received: 200, or 503 when that is too long ago."""
    watch = state.current().watchdog
    found = watch.check(utc_now())
    body = {
        "missing": found.missing,
        "last_seen": found.last_seen and format_rfc3339(found.last_seen),
        "timeout_seconds": watch.timeout.total_seconds(),
    }
    return jsonify(body), 503 if found.missing else 200
