"""pandas is the oracle: `describe` gives what `DataFrame.describe()` gives."""

from __future__ import annotations

import math
import warnings
from typing import Any

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apps.data_service.summary_statistics import describe

Records = list[dict[str, Any]]
MISSING = "missing"
# Beyond 2**53 pandas' own integers lose digits that ours keep, and overflow when subtracted.
INTEGERS = st.integers(-(2**53), 2**53)
# Squares of larger numbers overflow, which has a test of its own.
FLOATS = st.floats(-1e150, 1e150)
SMALLEST = 5e-324
NUMBERS = st.one_of(INTEGERS, FLOATS, st.none(), st.just(MISSING))
ANYTHING = st.one_of(NUMBERS, st.booleans(), st.text(max_size=3), st.lists(INTEGERS, max_size=2))
COLUMN_KINDS = [
    INTEGERS,
    FLOATS,
    NUMBERS,
    ANYTHING,
    st.booleans(),
    st.none() | st.just(MISSING),
    st.booleans() | st.none(),
    st.text(max_size=3) | st.none(),
]


@st.composite
def tables(draw: st.DrawFn) -> Records:
    """Draw records whose fields are each of a kind, or a mixture."""
    rows = draw(st.integers(1, 12))
    names = draw(st.lists(st.text(min_size=1, max_size=3), max_size=4, unique=True))
    columns = {
        name: draw(st.lists(draw(st.sampled_from(COLUMN_KINDS)), min_size=rows, max_size=rows))
        for name in names
    }
    return [
        {name: columns[name][row] for name in names if columns[name][row] != MISSING}
        for row in range(rows)
    ]


def oracle(records: Records) -> dict[str, dict[str, float]]:
    """Return pandas' description of its numeric columns.

    A column without any value is numeric to pandas, with a count of 0. To us it is not, for
    nothing says that it would hold numbers.
    """
    frame = pd.DataFrame(records).select_dtypes("number").dropna(axis="columns", how="all")
    if not frame.shape[1]:
        return {}  # where there is no numeric column, pandas describes the others
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # numpy says that it overflows
        return {name: column.to_dict() for name, column in frame.describe().items()}


def check(records: Records) -> None:
    ours, theirs = describe(records), oracle(records)
    assert list(ours) == [name for name in ours if name in theirs]
    assert set(ours) == set(theirs)
    for name in ours:
        assert list(ours[name]) == list(theirs[name])
        for statistic, value in theirs[name].items():
            same(ours[name][statistic], value, theirs[name])


def same(mine: float | None, theirs: float, column: dict[str, float]) -> None:
    if mine is None or not math.isfinite(theirs):
        assert mine is None
        assert not math.isfinite(theirs)
        return
    # What cancels out (the mean of 1e16, 1, -1e16) is exact here and rounded in pandas, so the
    # measure is the largest number that went into it. Nothing is finer than the smallest number,
    # between whose steps each rounds its own way.
    scale = max(abs(column["min"]), abs(column["max"]))
    assert mine == pytest.approx(theirs, rel=1e-9, abs=1e-9 * scale + 2 * SMALLEST)


@given(tables())
@example([{"a": 1}, {"a": 2.5}, {"b": None}])
@example([{"a": True}, {"a": 1}])
@example([{"a": False}, {}])
@example([{"a": 0}, {"a": -0.0}])
@example([{"a": 2**53}, {"a": -(2**53)}, {"a": 1}])
@example([{"a": 5e-324}, {"a": 1e-308}])
@example([{"a": 0.0}, {"a": SMALLEST}])
@example([{"a": 0.1}] * 10)
@example([{"a": 1e9 + n / 7} for n in range(11)])
def test_description_equals_pandas(records: Records) -> None:
    check(records)


@pytest.mark.parametrize("values", [[1e200, -1e200], [1.7e308, 1.7e308], [1e160, 1, 2]])
def test_overflow_is_none_as_in_pandas(values: list[float]) -> None:
    check([{"a": value} for value in values])


@pytest.mark.parametrize(
    "values", [[None], [None, None], ["1"], [True], [1, True], [1, "x"], [[1]]]
)
def test_field_without_numbers_is_omitted(values: list[object]) -> None:
    assert describe([{"a": value} for value in values]) == {}


def test_huge_integers_stay_numbers() -> None:
    # Beyond 64 bits pandas has objects, which it does not describe; JSON knows no such limit.
    assert oracle([{"a": 2**64}, {"a": 0}]) == {}
    assert describe([{"a": 2**64}, {"a": 0}])["a"]["mean"] == 2.0**63


def test_fields_keep_their_order() -> None:
    assert list(describe([{"z": 1, "a": 1}, {"m": 1, "a": 2}])) == ["z", "a", "m"]
