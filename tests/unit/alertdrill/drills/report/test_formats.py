from __future__ import annotations

import pytest

from alertdrill.drills.report import formats


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.05, "0.05"),
        (14.4, "14.4"),
        (1500, "1500"),
        (25_000, "25 k"),
        (268435456, "268.4 M"),
        (-3.5, "\u22123.5"),
        (2e12, "2 T"),
        (float("inf"), "inf"),
    ],
)
def test_number_has_four_digits(value: float, text: str) -> None:
    assert formats.number(value) == text


def test_times_have_one_decimal() -> None:
    assert [formats.seconds(value) for value in (0.04, 12.0, 123.45)] == ["0.0", "12.0", "123.5"]


def test_missing_value_is_a_dash() -> None:
    assert formats.seconds(None) == formats.ratio(None) == "\u2013"


@pytest.mark.parametrize(
    ("value", "text"), [(59.6, "1 min 0 s"), (12.2, "12 s"), (1500, "25 min 0 s")]
)
def test_duration_has_minutes(value: float, text: str) -> None:
    assert formats.duration(value) == text


def test_time_is_utc() -> None:
    assert formats.utc_time(1767225600) == "1 January 2026, 00:00:00 UTC"
