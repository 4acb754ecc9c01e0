"""How many of a list are asked for."""

from __future__ import annotations

from flask import request

from apps.telemetry.problems import Problem

from .errors import BadFilterError
from .filters import DEFAULT_LIMIT, parse_limit


def limit() -> int:
    """Return the `limit` of the request at hand; raise a `Problem` for a bad one."""
    try:
        return parse_limit(request.args.get("limit", str(DEFAULT_LIMIT)))
    except BadFilterError as error:
        raise Problem(400, str(error), field=error.name) from error
