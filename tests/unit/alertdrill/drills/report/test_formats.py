from __future__ import annotations

from typing import Any

import pytest

from alertdrill.drills.report import formats
from alertdrill.drills.report.formats import healed_by
from alertdrill.drills.result import DrillResult

from .conftest import Make


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


RESTART = ["restart of web-2"]
HEALED = {"firing": 6.0, "healed": 9.0}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"heal": "none"}, ""),
        (
            {"heal": "restart", "times": HEALED, "actions": RESTART},
            "the responder: restart of web-2",
        ),
        ({"heal": "supervisor", "times": HEALED}, "its supervisor; the responder did nothing"),
        (
            {"heal": "supervisor", "times": HEALED, "actions": RESTART},
            "its supervisor; the responder did restart of web-2",
        ),
        ({"heal": "restart"}, "none; the responder did nothing"),
        ({"heal": "restart", "actions": RESTART}, "none; the responder did restart of web-2"),
        # Without success, several times.
        (
            {"heal": "none", "actions": RESTART * 8},
            "none; the responder did restart of web-2 \u00d78",
        ),
    ],
)
def test_healer_and_actions_are_named(drill: Make, fields: dict[str, Any], text: str) -> None:
    assert healed_by(drill(**fields)) == text


def test_several_actions_are_counted(healed: DrillResult) -> None:
    assert healed_by(healed) == "the responder: scale_out of web \u00d72, scale_in of web"


def test_drill_without_fault_has_no_healer(aborted: DrillResult) -> None:
    assert healed_by(aborted) == ""
