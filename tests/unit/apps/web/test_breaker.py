from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from circuitbreaker import CircuitBreaker

from apps.web.breaker import Breaker
from apps.web.errors import BreakerOpenError

FAILURES, SECONDS = 3, 10.0


class FailedError(Exception):
    pass


class BreakerHarness:
    """A breaker with a fake clock. `states` has its reported states, `calls` counts its calls."""

    def __init__(self, circuit: CircuitBreaker) -> None:
        self.now = 0.0
        self.states: list[bool] = []
        self.calls = 0
        self.breaker = Breaker("peer", circuit, self.states.append)

    def succeed(self) -> str:
        self.calls += 1
        return "answer"

    def fail(self) -> str:
        self.calls += 1
        raise FailedError

    def call(self, ask: Callable[[], str]) -> str:
        """Return the answer, or the name of the exception."""
        try:
            return self.breaker.call(ask)
        except (FailedError, BreakerOpenError) as error:
            return type(error).__name__

    def open(self) -> None:
        for _ in range(FAILURES):
            assert self.call(self.fail) == "FailedError"
        self.calls = 0


def make_circuit(kind: type[CircuitBreaker] = CircuitBreaker) -> CircuitBreaker:
    return kind(FAILURES, SECONDS, FailedError)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> BreakerHarness:
    return make_harness(monkeypatch, make_circuit())


def make_harness(monkeypatch: pytest.MonkeyPatch, circuit: CircuitBreaker) -> BreakerHarness:
    bench = BreakerHarness(circuit)
    monkeypatch.setattr("circuitbreaker.monotonic", lambda: bench.now)
    return bench


def test_success_resets_the_failures(bench: BreakerHarness) -> None:
    for ask in (bench.fail, bench.fail, bench.succeed, bench.fail, bench.fail, bench.succeed):
        assert bench.call(ask) != "BreakerOpenError"
    assert True not in bench.states


def test_other_exceptions_are_not_failures(bench: BreakerHarness) -> None:
    for _ in range(FAILURES + 1):
        with pytest.raises(ZeroDivisionError):
            bench.breaker.call(lambda: 1 / 0)
    assert True not in bench.states


def test_failure_after_a_while_reopens(bench: BreakerHarness) -> None:
    bench.open()
    bench.now += SECONDS
    assert bench.call(bench.fail) == "FailedError"
    assert bench.call(bench.succeed) == "BreakerOpenError"
    assert (bench.calls, bench.states[-1]) == (1, True)
    bench.now += SECONDS
    assert bench.call(bench.succeed) == "answer"


def test_half_open_lets_one_through(bench: BreakerHarness) -> None:
    bench.open()
    bench.now += SECONDS
    threads = 8
    barrier = threading.Barrier(threads)
    others_refused = threading.Event()
    refused = threading.Semaphore(0)

    def ask() -> str:
        assert others_refused.wait(30)
        return bench.succeed()

    def call(_: int) -> str:
        barrier.wait(30)
        answer = bench.call(ask)
        refused.release()
        return answer

    with ThreadPoolExecutor(threads) as pool:
        answers = pool.map(call, range(threads))
        all_but_one = all(refused.acquire(timeout=30) for _ in range(threads - 1))
        others_refused.set()
        assert all_but_one
        assert sorted(answers) == ["BreakerOpenError"] * (threads - 1) + ["answer"]
    assert bench.calls == 1
    assert bench.call(bench.succeed) == "answer"


class Interrupted(CircuitBreaker):  # type: ignore[misc]
    """A circuit where another thread runs right after `opened` returned."""

    def __init__(self, *settings: object) -> None:
        super().__init__(*settings)
        self.other: list[Callable[[], object]] = []

    @property
    def opened(self) -> bool:
        answer: bool = super().opened
        if self.other:
            self.other.pop()()
        return answer


def test_failed_half_open_call_lets_none_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted = make_circuit(Interrupted)
    bench = make_harness(monkeypatch, interrupted)
    bench.open()
    bench.now += SECONDS
    interrupted.other.append(lambda: bench.call(bench.fail))
    bench.call(bench.fail)
    assert bench.calls == 1
