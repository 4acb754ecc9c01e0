from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from alertdrill.clients.prometheus import Line
from alertdrill.load.gates import (
    Counts,
    check_counts,
    count_access_lines,
    evaluate_gates,
    query_counts,
    recovery_gates,
    rest_of_peak,
)
from alertdrill.load.locust import RequestStats
from alertdrill.load.measurements import TimeSpan
from alertdrill.load.profile import Objectives, Recovery, load_profile
from tests.unit.alertdrill.load.test_measurements import FakePrometheus

PROFILE = load_profile("steady").model_copy(
    update={"objectives": Objectives(p95=0.5, errors=0.01, requests=0.9)}
)
SIZE = (10, 60.0)
GOOD = RequestStats(540, 5, 0.5)


def failed(locust: RequestStats, prometheus: RequestStats) -> list[str]:
    return [
        gate.name for gate in evaluate_gates(PROFILE, SIZE, locust, prometheus) if not gate.passed
    ]


def test_numbers_exactly_at_the_objectives_pass() -> None:
    assert failed(GOOD, GOOD) == []


@pytest.mark.parametrize(
    ("numbers", "failed_gate"),
    [
        (RequestStats(539, 0, 0.1), "requests"),
        (RequestStats(600, 7, 0.1), "errors"),
        (RequestStats(600, 0, 0.501), "p95"),
        (RequestStats(600, 0, None), "p95"),
    ],
)
def test_gate_fails_if_locust_or_prometheus_misses_it(
    numbers: RequestStats, failed_gate: str
) -> None:
    assert failed(numbers, GOOD) == [failed_gate]
    assert failed(GOOD, numbers) == [failed_gate]


def test_gate_shows_the_numbers_of_locust_and_prometheus() -> None:
    requests, errors, p95 = evaluate_gates(PROFILE, SIZE, RequestStats(1540, 5, 0.25), GOOD)
    assert (requests.objective, *requests.values) == ("at least 540", "1,540", "540")
    assert (errors.objective, *errors.values) == ("at most 1.0%", "0.32%", "0.93%")
    assert (p95.objective, *p95.values) == ("at most 500 ms", "250 ms", "500 ms")


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
    prometheus = FakePrometheus(**({} if p95 is None else {"locust_response_time": p95}))
    [gate, _] = recovery_gates(
        load_profile("spike"), SPAN, prometheus, (instances(1, 2), MIN_REPLICAS)
    )
    assert gate.passed is passed


@pytest.mark.parametrize(
    ("lines", "passed"),
    [(instances(1, 2), True), (instances(2, 2), False), (instances(1, 1), False), ([], False)],
)
def test_recovery_needs_every_service_at_its_min_replicas(lines: list[Line], passed: bool) -> None:
    prometheus = FakePrometheus(locust_response_time=0.4)
    [_, gate] = recovery_gates(load_profile("spike"), SPAN, prometheus, (lines, MIN_REPLICAS))
    assert gate.passed is passed


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


ACCESS = '{"logger":"access","path":"/process","status":200}'
SENT = {
    ("GET", "/"): RequestStats(5, 0, None),
    ("POST", "/process"): RequestStats(90, 0, None),
    ("GET", "/no-such-page (refused with 404)"): RequestStats(10, 0, None),
}


@pytest.mark.parametrize(
    ("counts", "passed"),
    [
        (Counts(100, 100, 100, 100), True),
        (Counts(100, 100, 100, None), True),
        (Counts(100, 101, 100, 100), True),  # a probe between two scrapes
        (Counts(100, 102, 100, 100), False),
        (Counts(100, 100, 99, 99), False),
        (Counts(100, 100, 101, 101), False),
        (Counts(100, 100, 100, 99), False),
        (Counts(100, 100, 97, 97, lb_answered=3), True),
        (Counts(100, 100, 96, 96, lb_answered=3), False),
        (Counts(100, 100, 102, 102, retried=2), True),
    ],
)
def test_counts_agree_within_the_tolerance(counts: Counts, passed: bool) -> None:
    assert check_counts("web", counts).passed is passed


def test_counts_of_every_source_are_shown() -> None:
    [sent, counted] = check_counts("web", Counts(1000, 1001, 997, 997, lb_answered=3)).values
    assert (sent, counted) == ("1,000", "lb 1,001, web 997, lines 997, answered by the lb 3")


def test_start_page_is_not_counted() -> None:
    prometheus = FakePrometheus(
        **{'url_rule="/"': 8, 'url_rule!="/"': 100, "frontend": 108, "server_": 108}
    )
    counts = query_counts(prometheus, "web", TimeSpan(1000.0, 1060.0), SENT, None)
    assert counts == Counts(locust=100, lb=100, served=100, lines=None)


def test_only_access_lines_of_process_are_counted() -> None:
    lines = [ACCESS, ACCESS.replace("/process", "/"), '{"logger":"apps"}', "plain"]

    def follow(target: str, count: int) -> Any:
        assert (target, count) == ("web", 0)
        yield [("web-1", line) for line in lines]

    runtime: Any = SimpleNamespace(follow=follow, follows_new_instances=True)
    with count_access_lines(runtime, "web") as counter:
        pass
    assert counter == {"lines": 1}


def test_lines_are_counted_until_the_load_ends() -> None:
    def follow(*_: Any) -> Any:
        while True:
            yield [("web-1", ACCESS)]

    runtime: Any = SimpleNamespace(follow=follow, follows_new_instances=True)
    with count_access_lines(runtime, "web") as counter:
        pass
    assert counter["lines"] > 0


def test_lines_are_not_counted_if_new_instances_are_not_followed() -> None:
    runtime: Any = SimpleNamespace(follows_new_instances=False)
    with count_access_lines(runtime, "web") as counter:
        pass
    assert counter == {}
