"""What `GET /notifications` can be asked for."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from .errors import BadFilterError
from .payload import STATUSES
from .timestamps import parse_rfc3339

# Columns of an alert; all that are given must hold for one and the same alert of a notification.
COLUMNS = ("alert", "status", "severity", "service", "instance")
DEFAULT_LIMIT = 100
MAX_LIMIT = 1000  # a page of about a megabyte


@dataclass(frozen=True)
class Filters:
    """A query: columns and their values, the earliest first receipt, and how many at most."""

    columns: tuple[tuple[str, str], ...] = ()
    since: datetime | None = None
    limit: int = DEFAULT_LIMIT


def parse_filters(arguments: Iterable[tuple[str, str]]) -> Filters:
    """Return the filters in a query string; raise `BadFilterError` naming the first bad one."""
    given: dict[str, str] = {}
    for name, value in arguments:
        if name not in (*COLUMNS, "since", "limit"):
            raise BadFilterError(name, f"is none of: {', '.join((*COLUMNS, 'since', 'limit'))}.")
        if name in given:
            raise BadFilterError(name, "is given twice.")
        if not value or "\0" in value:
            raise BadFilterError(name, "must be a non-empty text.")
        given[name] = value
    if given.get("status", "firing") not in STATUSES:
        raise BadFilterError("status", f"must be one of: {', '.join(STATUSES)}.")
    return Filters(
        columns=tuple((name, given[name]) for name in COLUMNS if name in given),
        since=_since(given["since"]) if "since" in given else None,
        limit=parse_limit(given.get("limit", str(DEFAULT_LIMIT))),
    )


def _since(value: str) -> datetime:
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    try:
        if math.isfinite(seconds):
            return datetime.fromtimestamp(seconds, UTC)
        return parse_rfc3339(value)
    except (ValueError, OverflowError, OSError):  # no timestamp, or out of the clock's range
        raise BadFilterError("since", "must be RFC 3339 or seconds since 1970.") from None


def parse_limit(value: str) -> int:
    """Return how many at most; raise `BadFilterError` for what is no such number."""
    # isdecimal() alone takes digits of every script, and int() takes underscores and spaces.
    number = int(value) if value.isascii() and value.isdecimal() and len(value) < 9 else 0
    if not 1 <= number <= MAX_LIMIT:
        raise BadFilterError("limit", f"must be a whole number from 1 to {MAX_LIMIT}.")
    return number
