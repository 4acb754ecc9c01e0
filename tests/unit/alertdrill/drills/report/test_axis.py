from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertdrill.drills.report.axis import Scale, domain, ticks

VALUES = st.floats(-1e12, 1e12).map(lambda value: round(value, 6))


def test_scale_is_linear() -> None:
    scale = Scale(0, 10, 200, 100)
    assert [scale(0), scale(5), scale(10)] == [200, 150, 100]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (-8.3, 21, [0, 10, 20]),
        (0, 4e8, [0, 1e8, 2e8, 3e8, 4e8]),
    ],
)
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high, 5) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], (0, 1)),
        ([0, 0], (0, 1)),
        ([3], (0, 3)),
        ([0.05, 0.5], (0, 0.6)),
        ([100, 103], (100, 103)),
        ([-1, 1], (-1, 1)),
        ([math.nan, 2, math.inf], (0, 2)),
    ],
)
def test_domain_contains_the_values(values: list[float], expected: tuple[float, float]) -> None:
    assert domain(values) == pytest.approx(expected)


@given(st.lists(VALUES))
def test_every_value_is_inside(values: list[float]) -> None:
    low, high = domain(values)
    assert low < high
    slack = (high - low) * 1e-6
    assert all(low - slack <= value <= high + slack for value in values)
