from __future__ import annotations

from itertools import repeat
from types import SimpleNamespace
from typing import Any

import pytest

from alertdrill.load.gates import (
    count_access_lines,
    count_gate,
    objective_gates,
    recovery_gates,
)
from alertdrill.load.profile import Objectives, load_profile
from alertdrill.load.result import GateResult, Points, RequestStats, TimeSpan
from tests.unit.alertdrill.load.samples import FakePrometheus

PROFILE = (
    load_profile("steady")
    .resized(10, 60)
    .model_copy(update={"objectives": Objectives(p95=0.5, errors=0.01, requests=0.9)})
)
GOOD = RequestStats(540, 5, 0.5)


def failed(locust: RequestStats, prometheus: RequestStats) -> list[str]:
    return [gate.name for gate in objective_gates(PROFILE, locust, prometheus) if not gate.passed]


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
    requests, errors, p95 = objective_gates(PROFILE, RequestStats(1540, 5, 0.25), GOOD)
    assert (requests.objective, *requests.values) == ("at least 540", "1,540", "540")
    assert (errors.objective, *errors.values) == ("at most 1.0%", "0.32%", "0.93%")
    assert (p95.objective, *p95.values) == ("at most 500 ms", "250 ms", "500 ms")


def recovery(
    web: int = 1, data_service: int = 2, *, profile: str = "spike", **answers: Any
) -> tuple[list[GateResult], FakePrometheus]:
    """Return the gates with these instances at the end, for minimums of 1 and 2."""
    instances: dict[str, Points] = {
        name: [(0, 4), (1, count)]
        for name, count in {"web": web, "data-service": data_service}.items()
        if count
    }
    prometheus = FakePrometheus(**{"locust_response_time": 0.5, **answers})
    minimums = {"web": 1, "data-service": 2}
    span = TimeSpan(1000.0, 1900.0)
    gates = recovery_gates(load_profile(profile), span, prometheus, instances, minimums)
    return list(gates), prometheus


@pytest.mark.parametrize(("p95", "passed"), [(0.5, True), (0.51, False), (None, False)])
def test_recovery_needs_p95_at_or_below_its_limit(p95: float | None, passed: bool) -> None:
    [gate, _], prometheus = recovery(locust_response_time=p95)
    assert gate.passed is passed
    assert "[168s] @ 1540.000" in prometheus.queries[0]  # from the deadline to the peak's end


@pytest.mark.parametrize(
    ("web", "data_service", "passed"),
    [(1, 2, True), (2, 2, False), (1, 1, False), (0, 0, False)],
)
def test_recovery_needs_every_service_at_its_min_replicas(
    web: int, data_service: int, passed: bool
) -> None:
    [_, gate], _ = recovery(web, data_service)
    assert gate.passed is passed


def test_min_replicas_exported_by_the_stack_win() -> None:
    exported = [{"metric": {"scaled_service": "web"}, "value": [1061.0, "2"]}]
    [_, gate], _ = recovery(2, 2, responder_min_replicas=exported)
    assert (gate.passed, gate.objective) == (True, "web 2, data-service 2")


def test_load_without_recovery_has_no_recovery_gates() -> None:
    assert recovery(profile="steady")[0] == []


ACCESS = '{"logger":"access","path":"/process","status":200}'
SENT = {
    ("GET", "/"): RequestStats(5, 0, None),
    ("POST", "/process"): RequestStats(90, 0, None),
    ("GET", "/no-such-page (refused with 404)"): RequestStats(10, 0, None),
}


def counted(lb: int, served: int, lines: int | None, answered: int = 0, retried: int = 0) -> Any:
    """Return the gate of these counts beside Locust's 100 requests, and 8 of the start page."""
    counters = {
        'url_rule="/"': 8,
        'url_rule!="/"': served,
        "frontend": lb + 8,
        "server_": lb + 8 - answered,
        "retry": retried,
    }
    span = TimeSpan(1000.0, 1060.0)
    return count_gate(FakePrometheus(**counters), "web", span, SENT, lines)


@pytest.mark.parametrize(
    ("counts", "passed"),
    [
        ((100, 100, 100), True),
        ((100, 100, None), True),
        ((101, 100, 100), True),  # a probe between two scrapes
        ((102, 100, 100), False),
        ((100, 99, 99), False),
        ((100, 101, 101), False),
        ((100, 100, 99), False),
        ((100, 97, 97, 3), True),
        ((100, 96, 96, 3), False),
        ((100, 102, 102, 0, 2), True),
    ],
)
def test_counts_agree_within_the_tolerance(counts: tuple[Any, ...], passed: bool) -> None:
    assert counted(*counts).passed is passed


def test_counts_of_every_source_are_shown() -> None:
    gate = counted(1001, 997, 997, answered=3)
    assert gate.values == ["100", "lb 1,001, web 997, lines 997, answered by the lb 3"]
    assert counted(100, 100, None, retried=2).values == ["100", "lb 100, web 100, retried 2"]


@pytest.mark.parametrize(
    ("served", "answered", "passed"), [(105, 105, True), (104, 105, False), (104, 104, True)]
)
def test_only_the_probe_counts_apart_for_a_service_that_is_not_probed(
    served: int, answered: int, passed: bool
) -> None:
    counters = {
        # The probe requests the start page of web.
        'service="web",url_rule="/"': 8,
        'count{service="data-service"}': served,
        "frontend": 113,
        "server_": answered,
    }
    gate = count_gate(
        FakePrometheus(**counters), "data-service", TimeSpan(1000.0, 1060.0), SENT, None
    )
    assert gate.passed is passed
    assert (gate.objective, gate.values[0]) == ("equal", "105")


@pytest.mark.parametrize(("service", "lines"), [("web", 1), ("data-service", 2)])
def test_access_lines_are_counted_but_for_the_probe(service: str, lines: int) -> None:
    texts = [ACCESS, ACCESS.replace("/process", "/"), '{"logger":"apps"}', "plain"]

    def follow(target: str, count: int) -> Any:
        assert (target, count) == (service, 0)
        yield [(f"{service}-1", text) for text in texts]

    runtime: Any = SimpleNamespace(follow=follow, follows_new_instances=True)
    with count_access_lines(runtime, service) as counter:
        pass
    assert counter == {"lines": lines}


@pytest.mark.parametrize("follows", [True, False])
def test_lines_are_counted_until_the_load_ends_if_new_instances_are_followed(follows: bool) -> None:
    runtime: Any = SimpleNamespace(
        follow=lambda *_: repeat([("web-1", ACCESS)]), follows_new_instances=follows
    )
    with count_access_lines(runtime, "web") as counter:
        pass
    assert ("lines" in counter) is (counter["lines"] > 0) is follows
