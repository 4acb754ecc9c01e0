"""Parse and check the options of `alertdrill logs`. Pure."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime

from ..config.durations import parse_milliseconds
from ..errors import AlertdrillError
from .record import LEVELS

ZONED = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
TRACE = re.compile(r"[0-9a-f]{32}")


class OptionError(AlertdrillError):
    """An option has a value that is not accepted."""


def parse_time(option: str, value: str, now: int) -> int:
    """Return `10m` (ago) or an RFC 3339 time in milliseconds since 1970."""
    with suppress(ValueError):
        return max(0, now - parse_milliseconds(value))
    try:
        return max(0, round(datetime.fromisoformat(_zoned(value)).timestamp() * 1000))
    except (ValueError, OverflowError):
        raise OptionError(
            f"{option} is {value!r}: use a duration such as 90s, 10m, 2h or 1d,"
            " or a time with a zone, such as 2026-11-25T10:00:00Z."
        ) from None


def _zoned(value: str) -> str:
    """Return an RFC 3339 time; empty unless it has a time of day and a zone."""
    return value if ZONED.fullmatch(value) else ""


def parse_level(value: str) -> str:
    """Return a log level, in upper case."""
    if value.upper() not in LEVELS:
        raise OptionError(f"--level is {value!r}: use one of {', '.join(LEVELS)}.")
    return value.upper()


def parse_trace_id(value: str) -> str:
    """Return a trace id."""
    if not TRACE.fullmatch(value.lower()):
        raise OptionError(f"--trace is {value!r}: use a line's trace_id, 32 hexadecimal digits.")
    return value.lower()


def parse_text(value: str) -> str:
    """Return a plain text to search for."""
    if not value or not value.isprintable():
        raise OptionError(
            f"--grep is {value!r}: use plain text without line ends or control characters."
        )
    return value


def check_time_range(since: int | None, until: int | None, *, follow: bool) -> None:
    """Raise `OptionError` for an empty range, or `--until` with `--follow`."""
    if follow and until is not None:
        raise OptionError("--until and --follow exclude each other: remove one of them.")
    if since is not None and until is not None and until <= since:
        raise OptionError("--until is not after --since: no line can match.")
