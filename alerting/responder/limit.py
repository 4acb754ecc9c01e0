"""How many of a list are asked for."""

from __future__ import annotations

from flask import request

from apps.telemetry.problems import Problem

# As many as fit into a look; a query can ask for more.
LIMIT, MOST = 100, 1000


def limit() -> int:
    """Return the `limit` of the request at hand; raise a `Problem` for a bad one."""
    text = request.args.get("limit", str(LIMIT))
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MOST):
        raise Problem(400, f"limit takes a whole number from 1 to {MOST}.", field="limit")
    return int(text)
