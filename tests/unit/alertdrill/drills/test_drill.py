import pytest

from alertdrill.drills.drill import ACTING, GRACE, HEALINGS, Expectation, FaultSpec, healer
from tests.unit.alertdrill.drills.fakes import a_drill


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (FaultSpec("stop_load"), "stop_load"),
        (FaultSpec("stop", "web"), "stop on web"),
        (FaultSpec("errors", "web", {"probability": 0.5}), "errors on web (probability 0.5)"),
        (
            FaultSpec("disk_fill", parameters={"where": "host", "to": 1.0}),
            "disk_fill (where host, to 1)",
        ),
    ],
)
def test_fault_says_itself_shortly(spec: FaultSpec, words: str) -> None:
    assert str(spec) == words


@pytest.mark.parametrize(
    ("notified", "late", "instead"),
    [("yes", False, None), ("late", True, None), ("WatchdogMissing", False, "WatchdogMissing")],
)
def test_notified_is_one_of_three(notified: str, late: bool, instead: str | None) -> None:
    expectation = Expectation(notified=notified)
    assert (expectation.late, expectation.instead) == (late, instead)


def test_speed_divides_budget_not_world() -> None:
    drill = a_drill(detect=120.0, resolve=240.0, world=3.0)
    assert drill.limit_detect(12) == 10 + 3 + GRACE
    assert drill.limit_resolve(12) == 20 + 3 + GRACE
    assert drill.limit_detect(1) == 120 + 3 + GRACE


@pytest.mark.parametrize("heal", HEALINGS)
def test_responder_has_time_to_act(heal: str) -> None:
    drill = a_drill(detect=120.0, heal=60.0, world=3.0, expect=Expectation(heal=heal))
    acts = heal in ("restart", "scale_out", "scale_in")
    assert drill.expect.acted_on is acts
    # Beside the budget it takes as long at any speed, as a drain does.
    assert drill.limit_heal(12) == drill.limit_detect(12) + (5 + ACTING if acts else 0)
    assert drill.limit_heal(1) == drill.limit_detect(1) + (60 + ACTING if acts else 0)


def test_healer_is_named_in_words() -> None:
    named = {heal: healer(heal) for heal in HEALINGS}
    assert named.pop("none") == ""
    assert named.pop("supervisor") == "its supervisor"
    assert set(named.values()) == {"the responder"}
