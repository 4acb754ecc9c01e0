from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertdrill.audit.disruptions import Step, plan_steps, rounds_that_fit, step_positions
from alertdrill.config.services import MAX_REPLICAS

SCALES = {"web": 2, "data-service": 2}
PARTS = ["lb", "web", "data-service", "collector", "loki", "grafana"]


def test_round_restarts_and_scales_services_collector_and_loki() -> None:
    assert [str(step) for step in plan_steps(SCALES, PARTS, 1)] == [
        "restart web",
        "restart data-service",
        "restart collector",
        "restart loki",
        "scale web=3",
        "scale data-service=3",
        "scale web=2",
        "scale data-service=2",
    ]


def test_fake_loki_is_restarted_in_place_of_loki() -> None:
    steps = plan_steps(SCALES, ["web", "data-service", "collector", "fake-loki"], 1)
    assert Step("fake-loki") in steps
    assert Step("loki") not in steps


def test_service_at_max_replicas_scales_in_first() -> None:
    steps = [step for step in plan_steps({"web": MAX_REPLICAS}, ["web"], 1) if step.count]
    assert steps == [Step("web", MAX_REPLICAS - 1), Step("web", MAX_REPLICAS)]


def test_rounds_repeat_everything() -> None:
    assert plan_steps(SCALES, PARTS, 2) == [*plan_steps(SCALES, PARTS, 1)] * 2
    assert plan_steps(SCALES, PARTS, 0) == []


@pytest.mark.parametrize(
    ("requests", "rate", "expected"), [(100, 100, 1), (20_000, 100, 2), (1_000_000, 100, 111)]
)
def test_number_of_rounds_follows_from_requests_and_rate(
    requests: int, rate: float, expected: int
) -> None:
    assert rounds_that_fit(requests, rate) == expected


@given(st.integers(100, 10**6), st.integers(0, 90))
def test_steps_are_spread_evenly_over_the_requests(requests: int, count: int) -> None:
    steps = [0, *step_positions(requests, count)]
    shares = [end - begin for begin, end in pairwise(steps)]
    assert len(shares) == count + 1
    assert steps[-1] == requests
    assert max(shares) - min(shares) <= 1
