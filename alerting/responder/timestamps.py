"""Instants as text: RFC 3339 in, RFC 3339 in UTC with milliseconds out."""

from __future__ import annotations

import re
from datetime import UTC, datetime

RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", flags=re.ASCII
)


def utc_now() -> datetime:
    """Return the current instant."""
    return datetime.now(UTC)


def parse_rfc3339(text: str) -> datetime:
    """Return the instant in UTC, cut to microseconds; raise `ValueError` if it is none."""
    if not RFC_3339.fullmatch(text):
        raise ValueError(f"{text!r} is not an RFC 3339 timestamp")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    # A 13th month; or the first hours of the year 1 east of Greenwich, the year 0 in UTC.
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is out of the calendar's range") from None


def format_rfc3339(moment: datetime) -> str:
    """Return text of one width, so that the order of texts is the order of instants."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
