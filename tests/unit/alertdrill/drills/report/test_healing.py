from __future__ import annotations

from typing import Any

import pytest

from alertdrill.drills.outcome import Outcome
from alertdrill.drills.report.healing import healed_by

from .conftest import Make

RESTART = ["restart of web-2"]
HEALED = {"firing": 6.0, "healed": 9.0}


@pytest.mark.parametrize(
    ("fields", "says"),
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
        ({"heal": "restart"}, "nobody; the responder did nothing"),
        ({"heal": "restart", "actions": RESTART}, "nobody; the responder did restart of web-2"),
        # In vain, and often.
        (
            {"heal": "none", "actions": RESTART * 8},
            "nobody; the responder did restart of web-2 \u00d78",
        ),
    ],
)
def test_healer_and_actions_are_named(drill: Make, fields: dict[str, Any], says: str) -> None:
    assert healed_by(drill(**fields)) == says


def test_several_actions_are_counted(healed: Outcome) -> None:
    assert healed_by(healed) == "the responder: scale_out of web \u00d72, scale_in of web"


def test_without_fault_nobody_heals(aborted: Outcome) -> None:
    assert healed_by(aborted) == ""
