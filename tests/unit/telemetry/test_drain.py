from __future__ import annotations

import queue
import signal
from collections.abc import Callable

import pytest

from alertdrill_telemetry import drain, shared_counters
from alertdrill_telemetry.drain import (
    DRAINING,
    LB_DETECTION_S,
    POLL_INTERVAL_S,
    SCRAPE_S,
    DrainState,
    wait_until_drained,
)


class FakeTime:
    """A clock that `interrupted` advances; it runs planned actions at their time."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.plan: list[tuple[float, Callable[[], None]]] = []
        self.interrupted_at = float("inf")

    def at(self, seconds: float, action: Callable[[], None]) -> None:
        self.plan.append((1000.0 + seconds, action))

    def interrupted(self, seconds: float) -> bool:
        self.now += seconds
        for moment, action in [item for item in self.plan if item[0] <= self.now]:
            self.plan.remove((moment, action))
            action()
        return self.now >= self.interrupted_at


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def state(time: FakeTime) -> DrainState:
    return DrainState(shared_counters.shared_counters(), clock=lambda: time.now)


def waited(state: DrainState, time: FakeTime, timeout: float = 30.0) -> object:
    started = time.now
    wait_until_drained(state, timeout, time.interrupted, lambda: time.now)
    return pytest.approx(time.now - started, abs=POLL_INTERVAL_S * 1.5)


def scrape_always(state: DrainState, time: FakeTime) -> None:
    for tenth in range(300):
        time.at(tenth / 10, state.record_scrape)


def test_idle_instance_waits_for_detection(state: DrainState, time: FakeTime) -> None:
    scrape_always(state, time)
    assert waited(state, time) == LB_DETECTION_S + POLL_INTERVAL_S + SCRAPE_S


def test_request_in_flight_is_awaited(state: DrainState, time: FakeTime) -> None:
    scrape_always(state, time)
    state.change_in_flight(1, time.now)
    time.at(5, lambda: state.change_in_flight(-1, time.now))
    assert waited(state, time) == 5 + POLL_INTERVAL_S + SCRAPE_S


def test_last_scrape_is_awaited(state: DrainState, time: FakeTime) -> None:
    time.at(1, state.record_scrape)  # too early: requests may still come
    time.at(4, state.record_scrape)
    assert waited(state, time) == 4 + SCRAPE_S  # it has time to be answered


def test_unscraped_instance_takes_its_limit(state: DrainState, time: FakeTime) -> None:
    assert waited(state, time, timeout=9.0) == 9


def test_late_request_needs_another_scrape(state: DrainState, time: FakeTime) -> None:
    time.at(2, lambda: state.change_in_flight(1, time.now))
    time.at(3, state.record_scrape)
    time.at(4, lambda: state.change_in_flight(-1, time.now))
    time.at(6, state.record_scrape)
    assert waited(state, time) == 6 + SCRAPE_S


def test_wait_ends_at_its_limit(state: DrainState, time: FakeTime) -> None:
    state.change_in_flight(1, time.now)
    assert waited(state, time, timeout=9.0) == 9


def test_interrupt_ends_the_wait(state: DrainState, time: FakeTime) -> None:
    state.change_in_flight(1, time.now)
    time.interrupted_at = 1000.5
    assert waited(state, time) == 0.5


def test_requests_of_all_workers_are_summed() -> None:
    counters = shared_counters.shared_counters()
    first, second = DrainState(counters, worker=100), DrainState(counters, worker=101)
    first.change_in_flight(2, 0.0)
    second.change_in_flight(1, 0.0)
    assert first.in_flight() == second.in_flight() == 3
    DrainState(counters).release(100)
    assert second.in_flight() == 1


def test_all_workers_see_the_drain() -> None:
    counters = shared_counters.shared_counters()
    first, second = DrainState(counters, worker=1), DrainState(counters, worker=2)
    assert not second.draining
    first.start_draining()
    assert second.draining


@pytest.fixture
def busy(state: DrainState, time: FakeTime) -> DrainState:
    """Return the state of a worker whose two threads are busy."""
    state.threads = 2
    for _ in range(2):
        state.change_in_flight(1, time.now)
    return state


def test_busy_threads_are_stalled_until_one_is_free(busy: DrainState, time: FakeTime) -> None:
    time.now += 20
    assert busy.stalled_for() == 20
    busy.change_in_flight(-1, time.now)
    assert busy.stalled_for() == 0
    busy.change_in_flight(1, time.now)  # after an idle hour too, the time starts with the last one
    time.now += 3
    assert busy.stalled_for() == 3


def test_sent_data_is_progress(busy: DrainState, time: FakeTime) -> None:
    time.now += 20
    busy.record_progress(time.now)
    time.now += 1
    assert busy.stalled_for() == 1


def test_connection_that_stays_open_is_not_busy(busy: DrainState, time: FakeTime) -> None:
    busy.change_open(1)
    time.now += 20
    assert busy.stalled_for() == 0
    busy.change_open(-1)
    assert busy.stalled_for() == 20


def test_unknown_number_of_threads_is_never_stalled(busy: DrainState, time: FakeTime) -> None:
    busy.threads = 0
    time.now += 20
    assert busy.stalled_for() == 0


def test_every_worker_sees_one_that_is_stalled() -> None:
    counters = shared_counters.shared_counters()
    first, second = (DrainState(counters, worker, clock=lambda: 50.0) for worker in (1, 2))
    first.threads = 2
    first.change_in_flight(1, 1.0)  # the least progress is that of a worker that is not stalled
    second.change_in_flight(2, 20.0)
    assert first.stalled_for() == 30
    DrainState(counters).release(2)
    assert first.stalled_for() == 0


class FakeArbiter:
    def __init__(self) -> None:
        self.SIG_QUEUE: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.draining_at_stop: list[float] = []

    def handle_term(self) -> None:
        self.draining_at_stop.append(shared_counters.DRAIN[DRAINING])


def test_arbiter_drains_before_it_stops() -> None:
    arbiter = FakeArbiter()
    drain.install(arbiter, timeout=0.0)
    arbiter.handle_term()
    assert arbiter.draining_at_stop == [1.0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_second_signal_ends_the_wait(number: signal.Signals) -> None:
    arbiter = FakeArbiter()
    arbiter.SIG_QUEUE.put(signal.SIGCHLD)
    arbiter.SIG_QUEUE.put(number)
    drain.install(arbiter, timeout=30.0)
    DrainState().change_in_flight(1, 0.0)
    arbiter.handle_term()
    assert arbiter.draining_at_stop == [1.0]
    assert arbiter.SIG_QUEUE.empty()


def test_workers_have_their_own_numbers() -> None:
    counters = shared_counters.shared_counters()
    slots = (len(counters) - drain.FIRST_WORKER) // 4
    first, second = DrainState(counters, slots), DrainState(counters, 2 * slots)
    first.change_in_flight(1, 0.0)
    second.change_in_flight(1, 0.0)
    observer = DrainState(counters)
    assert observer.in_flight() == 2
    first.change_in_flight(-1, 0.0)
    assert observer.in_flight() == 1
