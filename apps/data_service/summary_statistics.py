"""Statistics of numeric fields, equal to those of pandas' `DataFrame.describe()`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

Summary = dict[str, dict[str, float | None]]
QUARTILES = {"25%": 0.25, "50%": 0.5, "75%": 0.75}


def describe(records: Sequence[Mapping[str, Any]]) -> Summary:
    """Return count, mean, std, min, quartiles and max of every numeric field, by its name.

    A field is numeric if each of its values is a number or missing (absent or null), and at least
    one is a number. Booleans are not numbers. `std` is the sample's (n - 1), and the quartiles use
    linear interpolation. A value that is not finite, such as the std of one number, is None.
    Source: https://pandas.pydata.org/docs/reference/api/pandas.DataFrame.describe.html
    """
    # Only values that exist are visited, so that sparse records cost no more than dense ones.
    columns: dict[str, list[float]] = {}
    others: set[str] = set()
    for record in records:
        for name, value in record.items():
            column = columns.setdefault(name, [])
            if isinstance(value, int | float) and not isinstance(value, bool):
                column.append(float(value))
            elif value is not None:
                others.add(name)
    return {
        name: _describe_column(values)
        for name, values in columns.items()
        if values and name not in others
    }


def _describe_column(values: list[float]) -> dict[str, float | None]:
    values.sort()
    mean = _mean(values)
    quartiles = {name: _quantile(values, share) for name, share in QUARTILES.items()}
    summary = {
        "count": float(len(values)),
        "mean": mean,
        "std": _std(values, mean),
        "min": values[0],
        **quartiles,
        "max": values[-1],
    }
    return {name: value if math.isfinite(value) else None for name, value in summary.items()}


def _mean(values: Sequence[float]) -> float:
    try:
        return math.fsum(values) / len(values)
    except OverflowError:  # the sum is over 1.8e308, which pandas calls infinite
        return math.inf


def _std(values: Sequence[float], mean: float) -> float:
    if len(values) < 2:
        return math.nan
    try:
        squares = math.fsum((value - mean) ** 2 for value in values)
    except (OverflowError, ValueError):  # out of range, or infinities of both signs
        return math.inf
    return math.sqrt(squares / (len(values) - 1))


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Interpolate linearly between the closest ranks (Hyndman and Fan 1996, type 7)."""
    rank = share * (len(ordered) - 1)
    low = math.floor(rank)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (rank - low)
