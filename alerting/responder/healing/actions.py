"""The HTTP API of actions and decisions, and the operator's commands."""

from __future__ import annotations

import logging

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from apps.telemetry.problems import Problem

from .. import app_state
from ..app_state import authorize, limit
from ..db import MAX_ID, Row
from ..validation import utc_now

blueprint = Blueprint("actions", __name__)
log = logging.getLogger("healing")


@blueprint.get("/actions")
def actions() -> ResponseReturnValue:
    """Return actions, newest first, filtered by `alert` and `limit`."""
    rows = app_state.current().healing.stores.actions.find(limit(), request.args.get("alert"))
    return jsonify(rows)


@blueprint.get(f"/actions/<int(max={MAX_ID}):action_id>")
def action(action_id: int) -> ResponseReturnValue:
    """Return an action."""
    return jsonify(_get(action_id))


@blueprint.get("/decisions")
def decisions() -> ResponseReturnValue:
    """Return up to `limit` decisions, also those for no action, newest first."""
    return jsonify(app_state.current().healing.stores.actions.decisions(limit()))


@blueprint.post(f"/actions/<int(max={MAX_ID}):action_id>/cancel")
def cancel(action_id: int) -> ResponseReturnValue:
    """Cancel an action and exclude its alert from healing for as long as it fires.

    The control API finishes what it has started: half a restart would leave the instance stopped.
    """
    authorize()
    row, stores = _get(action_id), app_state.current().healing.stores
    ended = not stores.actions.cancel(action_id, "an operator cancelled it")
    if ended and row["alert_resolved_at"]:
        raise Problem(409, f"Action {action_id} has ended and its alert is resolved.")
    stores.alerts.take_over(row["fingerprint"])
    log.warning("An operator cancelled action %d and takes over %s.", action_id, row["alert"])
    return jsonify(_get(action_id))


@blueprint.post("/pause")
def pause() -> ResponseReturnValue:
    """Pause healing: decisions go on, actions do not start, also after a restart."""
    authorize()
    if app_state.current().healing.stores.flags.set("paused", utc_now()):
        log.warning("An operator paused the responder.")
    return jsonify(status())


@blueprint.post("/resume")
def resume() -> ResponseReturnValue:
    """Resume healing: end the pause, close the circuit and reset the budget."""
    authorize()
    healing = app_state.current().healing
    was_paused = healing.stores.flags.clear("paused")
    was_open = healing.stores.flags.close_circuit(utc_now())
    if was_paused or was_open:
        log.warning("An operator resumed the responder.")
    healing.wake()
    return jsonify(status())


def status() -> Row:
    """Return the state of healing: its mode, the pause, the circuit."""
    healing = app_state.current().healing
    return {
        "healing": healing.mode,
        "paused": healing.stores.flags.since("paused") is not None,
        "circuit_open": healing.stores.flags.since("circuit_open") is not None,
    }


def _get(action_id: int) -> Row:
    row = app_state.current().healing.stores.actions.get(action_id)
    if row is None:
        raise Problem(404, f"No action {action_id}.")
    return row
