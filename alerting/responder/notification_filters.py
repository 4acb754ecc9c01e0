"""The filters of `GET /notifications`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from .errors import BadFilterError
from .pagination import DEFAULT_LIMIT, parse_limit
from .timestamps import parse_rfc3339
from .webhook_payload import STATUSES

# Columns of an alert; one alert of a notification has to match all of them.
COLUMNS = ("alert", "status", "severity", "service", "instance")
NAMES = (*COLUMNS, "since", "limit")


@dataclass(frozen=True)
class Filters:
    """A query: columns with their values, the earliest first delivery, and the maximum number."""

    columns: tuple[tuple[str, str], ...] = ()
    since: datetime | None = None
    limit: int = DEFAULT_LIMIT


def parse_filters(arguments: Iterable[tuple[str, str]]) -> Filters:
    """Return the filters of a query string; raise `BadFilterError` for the first bad one."""
    values: dict[str, str] = {}
    for name, value in arguments:
        if name not in NAMES:
            raise BadFilterError(name, f"is unknown: known filters are {', '.join(NAMES)}.")
        if name in values:
            raise BadFilterError(name, "occurs twice.")
        if not value or "\0" in value:
            raise BadFilterError(name, "must be a non-empty text.")
        values[name] = value
    if values.get("status", "firing") not in STATUSES:
        raise BadFilterError("status", f"must be one of: {', '.join(STATUSES)}.")
    return Filters(
        columns=tuple((name, values[name]) for name in COLUMNS if name in values),
        since=_parse_since(values["since"]) if "since" in values else None,
        limit=parse_limit(values.get("limit", str(DEFAULT_LIMIT))),
    )


def _parse_since(value: str) -> datetime:
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    try:
        if math.isfinite(seconds):
            return datetime.fromtimestamp(seconds, UTC)
        return parse_rfc3339(value)
    except (ValueError, OverflowError, OSError):  # not a timestamp, or out of the clock's range
        raise BadFilterError("since", "must be RFC 3339 or seconds since 1970.") from None
