"""What the responder has decided and done, over HTTP, and a human's say in it."""

from __future__ import annotations

import logging

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from apps.telemetry.problems import Problem

from . import state
from .authorize import authorize
from .healing.deeds import Item
from .limit import limit
from .timestamps import utc_now

MAX_ID = 2**63 - 1  # SQLite's largest

blueprint = Blueprint("actions", __name__)
log = logging.getLogger("healing")


@blueprint.get("/actions")
def actions() -> ResponseReturnValue:
    """Return the actions, newest first; `alert` and `limit` choose among them."""
    found = state.current().healing.records.deeds.find(limit(), request.args.get("alert"))
    return jsonify([_shown(item) for item in found])


@blueprint.get(f"/actions/<int(max={MAX_ID}):action_id>")
def action(action_id: int) -> ResponseReturnValue:
    """Return one action."""
    return jsonify(_shown(_known(action_id)))


@blueprint.get("/decisions")
def decisions() -> ResponseReturnValue:
    """Return the decisions, also those to do nothing, newest first; `limit` is how many."""
    return jsonify(state.current().healing.records.deeds.decisions(limit()))


@blueprint.post(f"/actions/<int(max={MAX_ID}):action_id>/cancel")
def cancel(action_id: int) -> ResponseReturnValue:
    """Leave the alert of an action to whoever asks, for as long as it fires.

    What an instance is in the middle of runs to its end: half a restart would leave it stopped.
    """
    authorize()
    item, records = _known(action_id), state.current().healing.records
    ended = not records.deeds.cancel(action_id, "a human has cancelled it")
    if ended and item["alert_resolved_at"]:
        raise Problem(409, f"Action {action_id} is over, and so is its alert.")
    records.current.take_over(item["fingerprint"])
    log.warning("A human has cancelled action %d and takes over %s.", action_id, item["alert"])
    return jsonify(_shown(_known(action_id)))


@blueprint.post("/pause")
def pause() -> ResponseReturnValue:
    """Do nothing from now on but decide and say so, also after a restart."""
    authorize()
    if state.current().healing.records.controls.set("paused", utc_now()):
        log.warning("A human has paused the responder.")
    return jsonify(status())


@blueprint.post("/resume")
def resume() -> ResponseReturnValue:
    """Act again, with the whole budget: whoever asks has looked."""
    authorize()
    healing = state.current().healing
    paused = healing.records.controls.clear("paused")
    opened = healing.records.controls.close_circuit(utc_now())
    if paused or opened:
        log.warning("A human has resumed the responder.")
    healing.wake()
    return jsonify(status())


def status() -> Item:
    """Return what keeps the responder from acting: its mode, a human's pause, the circuit."""
    healing = state.current().healing
    return {
        "healing": healing.mode,
        "paused": healing.records.controls.since("paused") is not None,
        "circuit_open": healing.records.controls.since("circuit_open") is not None,
    }


def _shown(item: Item) -> Item:
    return {**item, "dry_run": bool(item["dry_run"])}


def _known(action_id: int) -> Item:
    found = state.current().healing.records.deeds.get(action_id)
    if found is None:
        raise Problem(404, f"There is no action {action_id}.")
    return found
