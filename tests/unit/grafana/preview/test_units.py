import math

import pytest

from grafana.preview.units import format_value


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.123, "percentunit", "12.3 %"),
        (99.5, "percent", "99.5 %"),
        (0.0321, "s", "32.1 ms"),
        (0.00002, "s", "20 µs"),
        (0, "s", "0 s"),
        (90, "s", "1.5 min"),
        (1536, "bytes", "1.5 KiB"),
        (2 * 2**50, "bytes", "2048 TiB"),
        (5 * 2**20, "binBps", "5 MiB/s"),
        (12.345, "reqps", "12.3 req/s"),
        (12_300, "short", "12.3 K"),
        (3, "none", "3"),
        (3, "furlongs", "3"),
        (1763917220_000, "dateTimeFromNow", "23 Nov 17:00 UTC"),
        (math.nan, "s", "no data"),
        (math.inf, "short", "inf"),
    ],
)
def test_values_are_written_in_their_unit(value: float, unit: str, expected: str) -> None:
    assert format_value(value, unit) == expected
