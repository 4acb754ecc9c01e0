from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alertdrill.report import page
from alertdrill.report.page import write_files


@pytest.mark.parametrize(
    ("format_value", "value", "text"),
    [
        (page.number, 0, "0"),
        (page.number, 0.05, "0.05"),
        (page.number, 14.4, "14.4"),
        (page.number, 1500, "1500"),
        (page.number, 25_000, "25 k"),
        (page.number, 268435456, "268.4 M"),
        (page.number, -3.5, "\u22123.5"),
        (page.number, 2e12, "2 T"),
        (page.number, math.inf, "inf"),
        (page.seconds, 0.04, "0.0"),
        (page.seconds, 12.0, "12.0"),
        (page.seconds, 123.45, "123.5"),
        (page.seconds, None, "\u2013"),
        (page.milliseconds, 1.4, "1,400 ms"),
        (page.milliseconds, None, "\u2013"),
        (page.ratio, 1.2, "1.20\u00d7"),
        (page.ratio, None, "\u2013"),
        (page.duration, 59.6, "1 min 0 s"),
        (page.duration, 12.2, "12 s"),
        (page.duration, 1500, "25 min 0 s"),
        (page.utc_time, 1767225600, "1 January 2026, 00:00:00 UTC"),
    ],
)
def test_value_is_shown_to_people(
    format_value: Callable[[Any], str], value: float | None, text: str
) -> None:
    assert format_value(value) == text


def test_number_that_is_not_finite_is_null(tmp_path: Path) -> None:
    file = write_files(tmp_path / "a", "page", {"values": [math.nan, -math.inf, 1.5]}, "<xml/>")
    assert json.loads((file.parent / "report.json").read_text()) == {"values": [None, None, 1.5]}
    assert (file.read_text(), (file.parent / "junit.xml").read_text()) == ("page", "<xml/>")
