import pytest

from alertdrill.drills.result import Line
from alertdrill.loads.measurements import TimeSpan
from alertdrill.loads.profile import Recovery, load_profile
from alertdrill.loads.recovery import recovered_in_time, recovery_gates, rest_of_peak, scaled_back
from tests.unit.alertdrill.loads.test_measurements import Fake

SPAN = TimeSpan(1000.0, 1900.0)
RECOVERY = Recovery(p95=0.5, deadline=300)
MIN_REPLICAS = {"web": 1, "data-service": 2}


def instances(web: int, data_service: int) -> list[Line]:
    courses = {"web": web, "data-service": data_service}
    return [Line({"service": name}, [(0, 4), (1, last)]) for name, last in courses.items()]


def test_rest_of_the_peak_is_judged() -> None:
    rest = rest_of_peak(load_profile("spike"), RECOVERY, SPAN)
    assert (rest.begin, rest.end) == pytest.approx((1000 + 72 + 300, 1540))


def test_brief_peak_leaves_nothing_to_judge() -> None:
    rest = rest_of_peak(load_profile("spike"), RECOVERY, TimeSpan(1000.0, 1100.0))
    assert rest.seconds == 0


@pytest.mark.parametrize(("p95", "passed"), [(0.5, True), (0.51, False), (None, False)])
def test_p95_must_be_back_under_its_limit(p95: float | None, passed: bool) -> None:
    assert recovered_in_time(RECOVERY, p95).passed is passed


@pytest.mark.parametrize(
    ("lines", "passed"),
    [(instances(1, 2), True), (instances(2, 2), False), (instances(1, 1), False), ([], False)],
)
def test_services_must_be_back_at_their_min_replicas(lines: list[Line], passed: bool) -> None:
    assert scaled_back(lines, MIN_REPLICAS).passed is passed


def test_stack_says_its_own_min_replicas() -> None:
    prometheus = Fake(locust_response_time=0.4)
    prometheus.min_replicas = {"web": 2}
    (_, back) = recovery_gates(
        load_profile("spike"), SPAN, prometheus, (instances(2, 2), MIN_REPLICAS)
    )
    assert (back.passed, back.objective) == (True, "web 2, data-service 2")


def test_other_loads_need_not_recover() -> None:
    seen = (instances(1, 2), MIN_REPLICAS)
    prometheus = Fake(locust_response_time=0.4)
    assert recovery_gates(load_profile("steady"), SPAN, prometheus, seen) == []
    assert [
        check.passed for check in recovery_gates(load_profile("spike"), SPAN, prometheus, seen)
    ] == [True, True]
    assert "[168s] @ 1540.000" in prometheus.asked[0]
