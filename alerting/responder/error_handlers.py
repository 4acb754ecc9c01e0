"""The response while the database cannot be read or written."""

from __future__ import annotations

import logging

from flask import Flask, Response

from apps.telemetry.problems import Problem

from .errors import DatabaseError

# For people with curl; Alertmanager retries at its own interval.
RETRY_AFTER_S = 10

log = logging.getLogger(__name__)


def init_app(app: Flask) -> None:
    """Answer 503 to every request during which the database fails."""
    app.register_error_handler(DatabaseError, _respond)


def _respond(error: DatabaseError) -> Response:
    log.error("%s", error)
    return Problem(
        503,
        "The database is unavailable: see the responder's log, and try again.",
        headers={"Retry-After": str(RETRY_AFTER_S)},
    ).response()
