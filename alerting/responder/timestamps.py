"""Timestamps as text: parse any RFC 3339, format it in UTC with milliseconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime

RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", flags=re.ASCII
)


def utc_now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def parse_rfc3339(text: str) -> datetime:
    """Return a timestamp in UTC with microseconds; raise `ValueError` if it is invalid."""
    if not RFC_3339.fullmatch(text):
        raise ValueError(f"{text!r} is not an RFC 3339 timestamp")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    # Month 13, for example; or the first hours of year 1 east of Greenwich: year 0 in UTC.
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is out of the calendar's range") from None


def format_rfc3339(time: datetime) -> str:
    """Return text of a fixed width, so that texts sort in the order of time."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
