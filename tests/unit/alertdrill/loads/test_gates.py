import pytest

from alertdrill.loads.gates import evaluate_gates
from alertdrill.loads.locust_stats import RequestStats
from alertdrill.loads.profile import LoadProfile, Objectives

PROFILE = LoadProfile(
    "x", "X.", 10, 60, [(0, 1), (1, 1)], Objectives(p95=0.5, errors=0.01, requests=0.9)
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
