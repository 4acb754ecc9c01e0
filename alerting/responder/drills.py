"""The HTTP API of drill results."""

from __future__ import annotations

import logging

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from apps.telemetry.problems import Problem

from . import app_state, drill_results
from .authorization import authorize
from .errors import MalformedBodyError
from .pagination import limit

blueprint = Blueprint("drills", __name__)
log = logging.getLogger(__name__)


@blueprint.get("/drills")
def drills() -> ResponseReturnValue:
    """Return drill results, newest first, filtered by `alert` and `limit`."""
    return jsonify(app_state.current().drill_results.find(limit(), request.args.get("alert")))


@blueprint.post("/drills")
def record() -> ResponseReturnValue:
    """Store a drill result; answer 201 once it is on disk, 400 if it is malformed."""
    authorize()
    try:
        result = drill_results.parse(request.get_data())
    except MalformedBodyError as error:
        raise Problem(400, str(error), field=error.field) from error
    current = app_state.current()
    row = current.drill_results.record(result)
    current.drill_metrics.update(row)
    log.info("Drill of %s: %s.", result.alert, result.verdict, extra={"drill_id": row["id"]})
    return jsonify(row), 201
