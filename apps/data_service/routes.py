"""`POST /process`: describe the records in the body."""

from __future__ import annotations

import logging

from flask import Blueprint, json, request
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
    rows = _parse(request.get_data())
    summary = describe(rows)
    logger.info("Data processed", extra={"records": len(rows), "fields": len(summary)})
    result = {
        "message": "Data processed",
        "count": len(rows),
        "summary": summary,
        "data": rows,
    }
    # jsonify would change the order of the fields.
    return json.dumps(result, sort_keys=False) + "\n", {"Content-Type": "application/json"}


def _parse(body: bytes) -> list[parse_records.Record]:
    try:
        return parse_records.parse(body)
    except MalformedJsonError as error:
        raise Problem(400, str(error)) from error
    except InvalidRecordsError as error:
        raise Problem(422, error.detail, field=error.field) from error
