import threading
import time

import pytest

from alertdrill.audit.request_scheduler import RequestScheduler, request_interval

FAST = 1e6


@pytest.mark.parametrize(
    ("left", "expected"), [(None, 0.01), (5000, 0.01), (100, 0.1), (0, float("inf"))]
)
def test_step_spreads_what_is_left(left: int | None, expected: float) -> None:
    assert request_interval(100.0, left) == pytest.approx(expected)


def test_every_number_is_given_once() -> None:
    scheduler, given = RequestScheduler(1000, FAST), []

    def take_all() -> None:
        while (number := scheduler.next_number()) is not None:
            given.append(number)

    threads = [threading.Thread(target=take_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(given) == list(range(1000))
    assert scheduler.sent == 1000


def test_steady_rate_is_kept() -> None:
    scheduler, begun = RequestScheduler(20, 200.0), time.monotonic()
    while scheduler.next_number() is not None:
        pass
    assert time.monotonic() - begun >= 20 / 200.0


def test_long_wait_makes_no_burst(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_reached_count_is_not_awaited() -> None:
    scheduler = RequestScheduler(5, FAST)
    for _ in range(3):
        scheduler.next_number()
    scheduler.wait_until_sent(3)


def test_step_that_ends_frees_its_share() -> None:
    scheduler = RequestScheduler(10, FAST)
    with scheduler.slow_down(until=0):
        taking = threading.Thread(target=scheduler.next_number)
        taking.start()
        assert scheduler.sent == 0
    taking.join(5)
    assert scheduler.sent == 1
