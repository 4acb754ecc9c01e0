from collections.abc import Sequence
from typing import get_args

import pytest

from alertdrill.drills.model import (
    ACTION_S,
    FAULT_MARGIN_S,
    GRACE_S,
    Action,
    Crossing,
    Expectation,
    FaultSpec,
    HealMode,
)
from tests.unit.alertdrill.drills.fakes import make_drill

HEAL_MODES: Sequence[HealMode] = ("none", "supervisor", *get_args(Action))


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (FaultSpec(kind="stop_load"), "stop_load"),
        (FaultSpec(kind="stop", target="web"), "stop on web"),
        (
            FaultSpec(kind="errors", target="web", parameters={"probability": 0.5}),
            "errors on web (probability 0.5)",
        ),
        (
            FaultSpec(kind="disk_fill", parameters={"where": "host", "to": 1.0}),
            "disk_fill (where host, to 1)",
        ),
    ],
)
def test_fault_has_a_short_text(spec: FaultSpec, words: str) -> None:
    assert str(spec) == words


def test_speed_divides_the_deadline_not_the_fixed_delay() -> None:
    drill = make_drill(detect=120.0, resolve=240.0, crossing=Crossing(fixed_delay=3.0))
    assert drill.limits(12) == {"notified": 10 + 3 + GRACE_S, "resolved": 20 + 3 + GRACE_S}
    assert drill.limits(1) == {"notified": 120 + 3 + GRACE_S, "resolved": 240 + 3 + GRACE_S}
    assert drill.fault_duration(1) == 120 + 240 + 2 * (3 + GRACE_S) + FAULT_MARGIN_S


@pytest.mark.parametrize("heal", HEAL_MODES)
def test_responder_has_time_to_act(heal: HealMode) -> None:
    drill = make_drill(
        detect=120.0, heal=60.0, crossing=Crossing(fixed_delay=3.0), expect=Expectation(heal=heal)
    )
    acts = heal in ("restart", "scale_out", "scale_in")
    assert drill.expect.needs_action is acts
    # Beside the budget it takes as long at any speed, as a drain does.
    for speed in (1, 12):
        limits = drill.limits(speed)
        last = limits.get("healed", limits["notified"])
        assert last == limits["notified"] + (60 / speed + ACTION_S if acts else 0)
        assert ("healed" in limits) is (heal != "none")
        assert drill.fault_duration(speed) == last + limits["resolved"] + FAULT_MARGIN_S
