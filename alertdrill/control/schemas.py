"""Parse and check the fields of a request. Pure."""

from __future__ import annotations

import json
import math
from typing import Any

from .errors import Problem

# Longer than the grace period of any service (25 s).
MAX_GRACE_S = 60
# Programs generate the keys; a UUID has 36 characters.
MAX_KEY_LENGTH = 200


def key(header: str | None) -> str:
    """Return the idempotency key; raise a `Problem` if it is missing or invalid."""
    value = (header or "").strip()
    if not value or len(value) > MAX_KEY_LENGTH or not value.isprintable():
        raise Problem(
            400, f"Idempotency-Key must have 1 to {MAX_KEY_LENGTH} characters: send the header."
        )
    return value


def grace(body: bytes) -> float | None:
    """Return the grace period in seconds; None keeps the instance's own."""
    value = _member(body, "grace_period")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _bad_grace()
    if not math.isfinite(value) or not 0 <= value <= MAX_GRACE_S:
        raise _bad_grace()
    return float(value)


def instances(body: bytes) -> int:
    """Return the number of instances; the runtime checks its range."""
    value = _member(body, "instances")
    if isinstance(value, bool) or not isinstance(value, int):
        raise Problem(400, '`instances` must be an integer, as in {"instances": 3}.')
    return value


def _bad_grace() -> Problem:
    return Problem(400, f'`grace` must be 0 to {MAX_GRACE_S} seconds, as in {{"grace_period": 0}}.')


def _member(body: bytes, name: str) -> Any:
    """Return the only member that the body may have; None if it is missing."""
    try:
        members = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise Problem(400, "The body is not valid JSON.") from None
    if not isinstance(members, dict) or members.keys() - {name}:
        raise Problem(400, f"The body must be a JSON object with `{name}` only.")
    return members.get(name)
