from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.responder.validation import format_rfc3339, parse_rfc3339

zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
instants = st.datetimes(
    min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1), timezones=zones
)


@given(instants)
def test_text_keeps_milliseconds(instant: datetime) -> None:
    back = parse_rfc3339(format_rfc3339(instant))
    assert timedelta() <= instant - back < timedelta(milliseconds=1)


@given(instants, instants)
def test_text_order_is_time_order(first: datetime, second: datetime) -> None:
    if first <= second:
        assert format_rfc3339(first) <= format_rfc3339(second)


def test_nanoseconds_and_offsets_are_parsed() -> None:
    expected = datetime(2025, 11, 23, 17, 0, 0, 123456, tzinfo=UTC)
    assert parse_rfc3339("2025-11-23T19:00:00.123456789+02:00") == expected


def test_go_zero_time_is_formatted() -> None:
    assert format_rfc3339(parse_rfc3339("0001-01-01T00:00:00Z")) == "0001-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2025-11-23",
        "20251123T170000Z",
        "2025-11-23T17:00:00",
        "2025-13-23T17:00:00Z",
        "2025-11-23T17:00:00Z\n",
        "0001-01-01T00:00:00+05:00",
        "٢٠٢٥-11-23T17:00:00Z",
    ],
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"timestamp|range"):
        parse_rfc3339(text)
