"""The HTTP API: the webhook, notifications, the watchdog, drill results, and healing."""

from __future__ import annotations

import base64
import hmac
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

from flask import Blueprint, Flask, Response, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from alertdrill_telemetry.problems import Problem

from . import watchdog
from .clients import ALERTMANAGER_USER
from .db import BUSY_TIMEOUT_S, MAX_ID, Row
from .drill_results import DrillResult, DrillResultStore
from .errors import DatabaseError, InvalidRequestError
from .healing.reconciler import ReconcileLoop
from .healing.store import HealingStore
from .metrics import ResponderMetrics
from .notifications import (
    DEFAULT_LIMIT,
    Limit,
    NotificationStore,
    parse_filters,
    parse_notification,
)
from .settings import ResponderSettings
from .validation import format_rfc3339, parse_body, utc_now, validate

EXTENSION = "responder"
# For people with curl; Alertmanager retries at its own interval.
RETRY_AFTER_S = 10

blueprint = Blueprint("api", __name__)
log = logging.getLogger(__name__)
healing_log = logging.getLogger("healing")


@dataclass(frozen=True)
class AppState:
    """The state of the responder, for its views; `loop` is None if healing is off."""

    settings: ResponderSettings
    notifications: NotificationStore
    metrics: ResponderMetrics
    watchdog: watchdog.Watchdog
    drill_results: DrillResultStore
    healing: HealingStore
    loop: ReconcileLoop | None
    _storing: Lock = field(default_factory=Lock, init=False)

    def init_app(self, app: Flask) -> None:
        """Attach the state to an application, which answers 503 while the database fails."""
        app.extensions[EXTENSION] = self
        app.register_error_handler(DatabaseError, _database_unavailable)
        app.register_error_handler(InvalidRequestError, _invalid_request)

    @contextmanager
    def one_notification(self) -> Iterator[None]:
        """Wait until no other thread parses or stores a notification.

        One of 1 MiB takes 12 MiB meanwhile: eight at a time would exceed the container's limit.
        Raises `DatabaseError` if the wait takes too long: then Alertmanager retries.
        """
        if not self._storing.acquire(timeout=BUSY_TIMEOUT_S):
            raise DatabaseError("Other notifications took too long to store.")
        try:
            yield
        finally:
            self._storing.release()

    def wake(self) -> None:
        """Reconcile now, because something has changed."""
        if self.loop:
            self.loop.wake()


def current() -> AppState:
    """Return the state of the current application."""
    state = current_app.extensions[EXTENSION]
    assert isinstance(state, AppState)
    return state


def _database_unavailable(error: DatabaseError) -> Response:
    log.error("%s", error)
    return Problem(
        503,
        "The database is unavailable: see the responder's log, and try again.",
        headers={"Retry-After": str(RETRY_AFTER_S)},
    ).response()


def _invalid_request(error: InvalidRequestError) -> Response:
    return Problem(400, str(error), field=error.field).response()


def _authorize() -> None:
    """Raise a `Problem` unless the current request has the responder's bearer token."""
    token = current().settings.token
    header = request.headers.get("Authorization", "")
    if not token:
        raise Problem(403, "The responder has no token: set RESPONDER_TOKEN_FILE.")
    if not hmac.compare_digest(header.encode(), f"Bearer {token}".encode()):
        raise Problem(
            401,
            "Send the responder's token as `Authorization: Bearer TOKEN`.",
            headers={"WWW-Authenticate": 'Bearer realm="responder"'},
        )


def _authorize_alertmanager() -> None:
    """Raise a `Problem` unless the current request has Alertmanager's own login, if it has one."""
    file = current().settings.alertmanager_password_file
    if file is None:
        return
    try:
        password = file.read_text(encoding="utf-8").strip()
    except OSError as error:  # Alertmanager retries
        log.log(logging.ERROR, "The password of Alertmanager can't be read: %s", error)
        raise Problem(503, "Alertmanager's password can't be read: see the log.") from None
    login = base64.b64encode(f"{ALERTMANAGER_USER}:{password}".encode())
    sent = request.headers.get("Authorization", "")
    if not hmac.compare_digest(sent.encode(), b"Basic " + login):
        raise Problem(
            401,
            "Only Alertmanager sends notifications, with its login.",
            headers={"WWW-Authenticate": 'Basic realm="responder"'},
        )


def _json_body() -> bytes:
    # A page in a browser can post to the loopback interface, but JSON only after a preflight.
    if request.mimetype != "application/json":
        raise InvalidRequestError("Content-Type", "Content-Type must be application/json.")
    return request.get_data()


def _limit() -> int:
    return validate(Limit, {"limit": request.args.get("limit", DEFAULT_LIMIT)}).limit


@blueprint.post("/webhook")
def receive() -> dict[str, object]:
    """Store a notification; answer 200 once it is on disk.

    400: it is malformed; 401: it has not Alertmanager's login; 413: it is too large. A retry would
    not help, and the alerts are adopted from Alertmanager. 503: the database fails; Alertmanager
    retries.
    """
    state, now = current(), utc_now()
    try:
        _authorize_alertmanager()
        body = _json_body()
        with state.one_notification():
            notification = parse_notification(body)
            notification_id, duplicate = state.notifications.record(notification, now)
    except Problem as error:
        if error.status != 401:
            raise
        state.metrics.webhooks.labels("unauthorized").inc()
        log.warning("Refused notification: it has not Alertmanager's login.")
        raise
    except RequestEntityTooLarge:
        state.metrics.webhooks.labels("too_large").inc()
        log.warning("Refused notification: %s bytes are too large.", request.content_length)
        raise
    except (InvalidRequestError, HTTPException) as error:  # HTTP: cut off
        state.metrics.webhooks.labels("malformed").inc()
        log.warning("Malformed notification: %s", error)
        raise
    except DatabaseError:
        state.metrics.webhooks.labels("failed").inc()
        raise
    outcome = "duplicate" if duplicate else "stored"
    state.metrics.webhooks.labels(outcome).inc()
    names = sorted({alert.name for alert in notification.alerts})
    if not duplicate:
        state.metrics.count_notification(notification, now)
        fields = {"notification_id": notification_id, "group_key": notification.group_key}
        log.info("Notified: %s %s", ", ".join(names), notification.status, extra=fields)
    if watchdog.ALERT in names:
        try:
            state.watchdog.check(utc_now())
        except DatabaseError as error:  # the notification is stored; the next check sees it
            log.warning("The watchdog check failed: %s", error)
    state.wake()
    return {"id": notification_id, "outcome": outcome}


@blueprint.get("/notifications")
def notifications() -> ResponseReturnValue:
    """Return the notifications that match the filters of the query, newest first."""
    filters = parse_filters(request.args.items(multi=True))
    return jsonify(current().notifications.find(filters))


@blueprint.get(f"/notifications/<int(max={MAX_ID}):notification_id>")
def notification(notification_id: int) -> ResponseReturnValue:
    """Return a notification with its payload."""
    row = current().notifications.get(notification_id)
    if row is None:
        raise Problem(404, f"No notification {notification_id}.")
    return jsonify(row)


@blueprint.get("/watchdog")
def watchdog_state() -> ResponseReturnValue:
    """Return the state of Watchdog: 200, or 503 while its notifications are missing."""
    status = current().watchdog.check(utc_now())
    body = {
        "missing": status.missing,
        "last_seen": status.last_seen and format_rfc3339(status.last_seen),
        "timeout_seconds": current().settings.watchdog_timeout,
    }
    return jsonify(body), 503 if status.missing else 200


@blueprint.get("/drills")
def drills() -> ResponseReturnValue:
    """Return drill results, newest first, filtered by `alert` and `limit`."""
    return jsonify(current().drill_results.find(_limit(), request.args.get("alert")))


@blueprint.post("/drills")
def record_drill() -> ResponseReturnValue:
    """Store a drill result; answer 201 once it is on disk, 400 if it is malformed."""
    _authorize()
    result = parse_body(DrillResult, request.get_data())
    row = current().drill_results.record(result)
    current().metrics.update_drill(row)
    reason = f": {result.reason.rstrip('.')}" if result.reason else ""
    log.info("Drill %s: %s%s.", result.alert, result.verdict, reason, extra={"drill_id": row["id"]})
    return jsonify(row), 201


@blueprint.get("/actions")
def actions() -> ResponseReturnValue:
    """Return actions, newest first, filtered by `alert` and `limit`."""
    return jsonify(current().healing.find(_limit(), request.args.get("alert")))


@blueprint.get(f"/actions/<int(max={MAX_ID}):action_id>")
def action(action_id: int) -> ResponseReturnValue:
    """Return an action."""
    return jsonify(_get_action(action_id))


@blueprint.get("/decisions")
def decisions() -> ResponseReturnValue:
    """Return up to `limit` decisions, also those for no action, newest first."""
    return jsonify(current().healing.decisions(_limit()))


@blueprint.post(f"/actions/<int(max={MAX_ID}):action_id>/cancel")
def cancel(action_id: int) -> ResponseReturnValue:
    """Cancel an action and exclude its alert from healing for as long as it fires.

    The control API finishes what it has started: half a restart would leave the instance stopped.
    """
    _authorize()
    row, store = _get_action(action_id), current().healing
    ended = not store.cancel(action_id, "an operator cancelled it")
    if ended and row["alert_resolved_at"]:
        raise Problem(409, f"Action {action_id} has ended and its alert is resolved.")
    store.take_over(row["fingerprint"])
    healing_log.warning(
        "An operator cancelled action %d and takes over %s.", action_id, row["alert"]
    )
    return jsonify(_get_action(action_id))


@blueprint.post("/pause")
def pause() -> ResponseReturnValue:
    """Pause healing: decisions go on, actions do not start, also after a restart."""
    _authorize()
    if current().healing.set_flag("paused", utc_now()):
        healing_log.warning("An operator paused the responder.")
    return jsonify(healing_status())


@blueprint.post("/resume")
def resume() -> ResponseReturnValue:
    """Resume healing: end the pause, close every circuit and restore every budget."""
    _authorize()
    was_paused = current().healing.clear_flag("paused")
    circuits = current().healing.close_circuits(utc_now())
    if was_paused or any(circuits.values()):
        healing_log.warning("An operator resumed the responder.")
    current().wake()
    return jsonify(healing_status())


@blueprint.post("/circuits/<service>/close")
def close_circuit(service: str) -> ResponseReturnValue:
    """Close the circuit of a service and restore its budget; a pause stays."""
    _authorize()
    circuits = current().healing.close_circuits(utc_now(), service)
    if not circuits:
        raise Problem(404, f"No action on a service named {service}: /healing has the circuits.")
    if circuits[service]:
        healing_log.warning("An operator closed the circuit of %s.", service)
    current().wake()
    return jsonify(healing_status())


def healing_status() -> Row:
    """Return the state of healing: its mode, the pause, the services with an open circuit."""
    flags = current().healing.flags()
    return {
        "healing": current().settings.healing,
        "paused": bool(flags["paused"]),
        "open_circuits": sorted(flags["circuit_open"]),
    }


def _get_action(action_id: int) -> Row:
    row = current().healing.get(action_id)
    if row is None:
        raise Problem(404, f"No action {action_id}.")
    return row
