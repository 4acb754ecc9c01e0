"""Which drills were made, over HTTP, and where those who make them tell of it."""

from __future__ import annotations

import logging

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from apps.telemetry.problems import Problem

from . import drill_journal, state
from .authorize import authorize
from .errors import MalformedBodyError
from .limit import limit

blueprint = Blueprint("drills", __name__)
log = logging.getLogger(__name__)


@blueprint.get("/drills")
def drills() -> ResponseReturnValue:
    """Return the drills, newest first; `alert` and `limit` choose among them."""
    return jsonify(state.current().drills.find(limit(), request.args.get("alert")))


@blueprint.post("/drills")
def tell() -> ResponseReturnValue:
    """Answer 201 once the drill is on disk; 400 if it is malformed."""
    authorize()
    try:
        drill = drill_journal.parse(request.get_data())
    except MalformedBodyError as error:
        raise Problem(400, str(error), field=error.field) from error
    responder = state.current()
    item = responder.drills.record(drill)
    responder.drill_gauges.show(item)
    log.info("Drill of %s: %s.", drill.alert, drill.verdict, extra={"drill_id": item["id"]})
    return jsonify(item), 201
