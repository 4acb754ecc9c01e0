import threading
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertdrill.audit.schedule import (
    RequestScheduler,
    Step,
    plan_steps,
    request_interval,
    rounds_that_fit,
    step_positions,
)
from alertdrill.config.services import MAX_REPLICAS

FAST = 1e6


@pytest.mark.parametrize(
    ("left", "expected"), [(None, 0.01), (5000, 0.01), (100, 0.1), (0, float("inf"))]
)
def test_interval_grows_when_few_requests_are_left(left: int | None, expected: float) -> None:
    assert request_interval(100.0, left) == pytest.approx(expected)


def test_each_number_is_handed_out_once_across_threads() -> None:
    scheduler, numbers = RequestScheduler(1000, FAST), []

    def take_all() -> None:
        while (number := scheduler.next_number()) is not None:
            numbers.append(number)

    threads = [threading.Thread(target=take_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(1000))
    assert scheduler.sent == 1000


def test_requests_are_not_sent_faster_than_the_rate() -> None:
    scheduler, started = RequestScheduler(20, 200.0), time.monotonic()
    while scheduler.next_number() is not None:
        pass
    assert time.monotonic() - started >= 20 / 200.0


def test_long_pause_is_not_followed_by_a_burst(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    scheduler = RequestScheduler(100, 1.0)
    now[0] += 50
    assert scheduler.next_number() == 0
    assert scheduler._due() == pytest.approx(151.0)


def test_stop_ends_every_wait() -> None:
    scheduler = RequestScheduler(100, 0.001)
    waiting = [
        threading.Thread(target=scheduler.next_number),
        threading.Thread(target=scheduler.wait_until_sent, args=[50]),
    ]
    for thread in waiting:
        thread.start()
    scheduler.stop()
    for thread in waiting:
        thread.join(5)
        assert not thread.is_alive()


def test_wait_for_a_count_already_reached_returns_at_once() -> None:
    scheduler = RequestScheduler(5, FAST)
    for _ in range(3):
        scheduler.next_number()
    scheduler.wait_until_sent(3)


def test_sending_continues_when_a_step_ends() -> None:
    scheduler = RequestScheduler(10, FAST)
    with scheduler.slow_down(until=0):
        thread = threading.Thread(target=scheduler.next_number)
        thread.start()
        assert scheduler.sent == 0
    thread.join(5)
    assert scheduler.sent == 1


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
