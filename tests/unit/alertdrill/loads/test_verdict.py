import pytest

from alertdrill.loads.plan import Objectives, Plan
from alertdrill.loads.stats import Numbers
from alertdrill.loads.verdict import judge

PLAN = Plan("x", "X.", 10, 60, [(0, 1), (1, 1)], Objectives(p95=0.5, errors=0.01, requests=0.9))
SIZE = (10, 60.0)
GOOD = Numbers(540, 5, 0.5)


def failed(locust: Numbers, prometheus: Numbers) -> list[str]:
    return [check.what for check in judge(PLAN, SIZE, locust, prometheus) if not check.passed]


def test_what_just_holds_passes() -> None:
    assert failed(GOOD, GOOD) == []


@pytest.mark.parametrize(
    ("numbers", "what"),
    [
        (Numbers(539, 0, 0.1), "requests"),
        (Numbers(600, 7, 0.1), "errors"),
        (Numbers(600, 0, 0.501), "p95"),
        (Numbers(600, 0, None), "p95"),
    ],
)
def test_either_ones_number_fails_it(numbers: Numbers, what: str) -> None:
    assert failed(numbers, GOOD) == [what]
    assert failed(GOOD, numbers) == [what]


def test_both_are_shown_side_by_side() -> None:
    requests, errors, p95 = judge(PLAN, SIZE, Numbers(1540, 5, 0.25), GOOD)
    assert (requests.objective, *requests.seen) == ("at least 540", "1,540", "540")
    assert (errors.objective, *errors.seen) == ("at most 1.0%", "0.32%", "0.93%")
    assert (p95.objective, *p95.seen) == ("at most 500 ms", "250 ms", "500 ms")
