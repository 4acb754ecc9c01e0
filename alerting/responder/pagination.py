"""Parse the query parameter `limit` of list endpoints."""

from __future__ import annotations

from flask import request

from apps.telemetry.problems import Problem

from .errors import BadFilterError

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000  # about a megabyte of notifications


def limit() -> int:
    """Return the `limit` of the current request; raise a `Problem` if it is invalid."""
    try:
        return parse_limit(request.args.get("limit", str(DEFAULT_LIMIT)))
    except BadFilterError as error:
        raise Problem(400, str(error), field=error.name) from error


def parse_limit(value: str) -> int:
    """Return a limit; raise `BadFilterError` if it is not a whole number in range."""
    # isdecimal() alone accepts digits of every script, and int() underscores and spaces.
    number = int(value) if value.isascii() and value.isdecimal() and len(value) < 9 else 0
    if not 1 <= number <= MAX_LIMIT:
        raise BadFilterError("limit", f"must be a whole number from 1 to {MAX_LIMIT}.")
    return number
