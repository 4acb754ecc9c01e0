"""What the views share: the responder's state, its token, and the errors of the database."""

from __future__ import annotations

import hmac
import logging
from dataclasses import dataclass

from flask import Flask, Response, current_app, request

from apps.telemetry.problems import Problem

from .drill_results import DrillResultStore
from .errors import BadFilterError, DatabaseError
from .healing.reconciler import Healing
from .metrics import DrillMetrics, ResponderMetrics
from .notifications import DEFAULT_LIMIT, NotificationStore, parse_limit
from .runbooks import Runbooks
from .watchdog import Watchdog

EXTENSION = "responder"
# For people with curl; Alertmanager retries at its own interval.
RETRY_AFTER_S = 10

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AppState:
    """The state of the responder."""

    notifications: NotificationStore
    runbooks: Runbooks
    metrics: ResponderMetrics
    watchdog: Watchdog
    healing: Healing
    drill_results: DrillResultStore
    drill_metrics: DrillMetrics

    def init_app(self, app: Flask) -> None:
        """Attach the state to an application, which answers 503 while the database fails."""
        app.extensions[EXTENSION] = self
        app.register_error_handler(DatabaseError, _database_unavailable)


def current() -> AppState:
    """Return the state of the current application."""
    state = current_app.extensions[EXTENSION]
    assert isinstance(state, AppState)
    return state


def authorize() -> None:
    """Raise a `Problem` unless the current request has the responder's bearer token."""
    token = current().healing.token
    header = request.headers.get("Authorization", "")
    if not token:
        raise Problem(403, "The responder has no token: set RESPONDER_TOKEN_FILE.")
    if not hmac.compare_digest(header.encode(), f"Bearer {token}".encode()):
        raise Problem(
            401,
            "Send the responder's token as `Authorization: Bearer TOKEN`.",
            headers={"WWW-Authenticate": 'Bearer realm="responder"'},
        )


def limit() -> int:
    """Return the `limit` of the current request; raise a `Problem` if it is invalid."""
    try:
        return parse_limit(request.args.get("limit", str(DEFAULT_LIMIT)))
    except BadFilterError as error:
        raise Problem(400, str(error), field=error.name) from error


def _database_unavailable(error: DatabaseError) -> Response:
    log.error("%s", error)
    return Problem(
        503,
        "The database is unavailable: see the responder's log, and try again.",
        headers={"Retry-After": str(RETRY_AFTER_S)},
    ).response()
