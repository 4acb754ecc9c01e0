from __future__ import annotations

from typing import Any

import pytest

from alertdrill.drills.report.formats import healed_by
from alertdrill.drills.result import DrillResult

from .conftest import Make

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
