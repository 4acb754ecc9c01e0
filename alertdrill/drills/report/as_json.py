"""A run as JSON: all that the other reports are made from, for other programs."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

from ..outcome import Report


def as_json(report: Report) -> str:
    """Return the report with each drill's `ratio` and whether all `passed`.

    Moments are seconds since 1970, durations seconds. What JSON cannot say (not a number,
    infinite) is null.
    """
    found = asdict(report)
    for outcome, written in zip(report.outcomes, found["outcomes"], strict=True):
        written["ratio"] = outcome.ratio
    return json.dumps(_finite({"passed": report.passed, **found}), allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
