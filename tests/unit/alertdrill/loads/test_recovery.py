import pytest

from alertdrill.drills.result import Line
from alertdrill.loads.measurements import TimeSpan
from alertdrill.loads.profile import Recovery, load_profile
from alertdrill.loads.recovery import recovered_in_time, recovery_gates, rest_of_peak, scaled_back
from tests.unit.alertdrill.loads.test_measurements import FakePrometheus

SPAN = TimeSpan(1000.0, 1900.0)
RECOVERY = Recovery(p95=0.5, deadline=300)
MIN_REPLICAS = {"web": 1, "data-service": 2}


def instances(web: int, data_service: int) -> list[Line]:
    replicas = {"web": web, "data-service": data_service}
    return [Line({"service": name}, [(0, 4), (1, count)]) for name, count in replicas.items()]


def test_p95_is_measured_after_the_deadline_until_the_peak_ends() -> None:
    rest = rest_of_peak(load_profile("spike"), RECOVERY, SPAN)
    assert (rest.begin, rest.end) == pytest.approx((1000 + 72 + 300, 1540))


def test_peak_shorter_than_the_deadline_leaves_no_time_to_measure() -> None:
    rest = rest_of_peak(load_profile("spike"), RECOVERY, TimeSpan(1000.0, 1100.0))
    assert rest.seconds == 0


@pytest.mark.parametrize(("p95", "passed"), [(0.5, True), (0.51, False), (None, False)])
def test_recovery_needs_p95_at_or_below_its_limit(p95: float | None, passed: bool) -> None:
    assert recovered_in_time(RECOVERY, p95).passed is passed


@pytest.mark.parametrize(
    ("lines", "passed"),
    [(instances(1, 2), True), (instances(2, 2), False), (instances(1, 1), False), ([], False)],
)
def test_recovery_needs_every_service_at_its_min_replicas(lines: list[Line], passed: bool) -> None:
    assert scaled_back(lines, MIN_REPLICAS).passed is passed


def test_min_replicas_exported_by_the_stack_win() -> None:
    prometheus = FakePrometheus(locust_response_time=0.4)
    prometheus.min_replicas = {"web": 2}
    (_, scaled_back_gate) = recovery_gates(
        load_profile("spike"), SPAN, prometheus, (instances(2, 2), MIN_REPLICAS)
    )
    assert (scaled_back_gate.passed, scaled_back_gate.objective) == (True, "web 2, data-service 2")


def test_load_without_recovery_has_no_recovery_gates() -> None:
    instance_counts = (instances(1, 2), MIN_REPLICAS)
    prometheus = FakePrometheus(locust_response_time=0.4)
    assert recovery_gates(load_profile("steady"), SPAN, prometheus, instance_counts) == []
    assert [
        gate.passed
        for gate in recovery_gates(load_profile("spike"), SPAN, prometheus, instance_counts)
    ] == [True, True]
    assert "[168s] @ 1540.000" in prometheus.queries[0]
