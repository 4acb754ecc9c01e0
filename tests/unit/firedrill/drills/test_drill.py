import pytest

from firedrill.drills.drill import GRACE, Expectation, FaultSpec
from tests.unit.firedrill.drills.fakes import a_drill


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (FaultSpec("no_load"), "no_load"),
        (FaultSpec("stop", "web"), "stop on web"),
        (FaultSpec("errors", "web", {"ratio": 0.5}), "errors on web (ratio 0.5)"),
        (
            FaultSpec("fill", parameters={"where": "host", "to": 1.0}),
            "fill (where host, to 1)",
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
