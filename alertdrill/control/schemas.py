"""What a request must carry, read and checked. Pure."""

from __future__ import annotations

import json
import math
from typing import Any

from .errors import Problem

# Longer than the time that any service has by itself (25 s).
MAX_GRACE_S = 60
# Keys are made by programs; a UUID has 36.
MAX_KEY_LENGTH = 200


def key(header: str | None) -> str:
    """Return the idempotency key; raise a `Problem` without a usable one."""
    given = (header or "").strip()
    if not given or len(given) > MAX_KEY_LENGTH or not given.isprintable():
        raise Problem(
            400, f"Idempotency-Key takes 1 to {MAX_KEY_LENGTH} characters: send the header."
        )
    return given


def grace(body: bytes) -> float | None:
    """Return the seconds until what does not leave is killed; None leaves it its own time."""
    value = _member(body, "grace")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _bad_grace()
    if not math.isfinite(value) or not 0 <= value <= MAX_GRACE_S:
        raise _bad_grace()
    return float(value)


def instances(body: bytes) -> int:
    """Return the number of instances; how many a service takes is the runtime's to say."""
    value = _member(body, "instances")
    if isinstance(value, bool) or not isinstance(value, int):
        raise Problem(400, '`instances` takes a whole number, as in {"instances": 3}.')
    return value


def _bad_grace() -> Problem:
    return Problem(400, f'`grace` takes seconds from 0 to {MAX_GRACE_S}, as in {{"grace": 0}}.')


def _member(body: bytes, name: str) -> Any:
    """Return the one member that a body may have, None where it is missing."""
    try:
        found = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise Problem(400, "The body is no JSON.") from None
    if not isinstance(found, dict) or found.keys() - {name}:
        raise Problem(400, f"The body takes a JSON object with `{name}` and nothing else.")
    return found.get(name)
