"""`POST /process`: describe the records in the body."""

from __future__ import annotations

import logging
import time

from flask import Blueprint, current_app, json, request
from flask.typing import ResponseReturnValue

from alertdrill_telemetry.problems import Problem

from . import parse_records
from .errors import InvalidRecordsError, MalformedJsonError
from .summary_statistics import describe

blueprint = Blueprint("process", __name__)
logger = logging.getLogger(__name__)


@blueprint.post("/process")
def process() -> ResponseReturnValue:
    """Return the summary of the numeric fields, and the records unchanged."""
    if not request.is_json:
        raise Problem(415, "Send the records as Content-Type: application/json.")
    deadline = time.monotonic() + current_app.extensions["telemetry"].settings.read_timeout
    rows = _parse(request.get_data())
    _require_time(deadline)
    summary = describe(rows)
    _require_time(deadline)
    logger.info("Data processed", extra={"records": len(rows), "fields": len(summary)})
    result = {
        "message": "Data processed",
        "count": len(rows),
        "summary": summary,
        "data": rows,
    }
    # jsonify would change the order of the fields.
    return json.dumps(result, sort_keys=False) + "\n", {"Content-Type": "application/json"}


def _require_time(deadline: float) -> None:
    """End the work if the caller has stopped waiting for it."""
    if time.monotonic() > deadline:
        problem = "The answer took longer than callers wait: try again, with fewer records."
        raise Problem(503, problem, headers={"Retry-After": "1"})


def _parse(body: bytes) -> list[parse_records.Record]:
    try:
        return parse_records.parse(body)
    except MalformedJsonError as error:
        raise Problem(400, str(error)) from error
    except InvalidRecordsError as error:
        raise Problem(422, error.detail, field=error.field) from error
