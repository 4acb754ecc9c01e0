import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from alertdrill.control.idempotency import IdempotencyCache, Outcome
from alertdrill.control.problems import Problem

DONE = Outcome(200, "Done.")


def test_same_key_runs_the_operation_once() -> None:
    cache, runs = IdempotencyCache(), []

    def act() -> Outcome:
        runs.append(1)
        return DONE

    assert [cache.do("a", "it", act), cache.do("a", "it", act)] == [DONE, DONE]
    assert cache.do("b", "it", act) == DONE
    assert len(runs) == 2


def test_concurrent_request_with_the_same_key_waits_for_the_first() -> None:
    cache, started, end = IdempotencyCache(), threading.Event(), threading.Event()

    def act() -> Outcome:
        started.set()
        assert end.wait(10)
        return DONE

    def refuse() -> Outcome:
        raise AssertionError("done twice")

    with ThreadPoolExecutor() as pool:
        first = pool.submit(cache.do, "a", "it", act)
        assert started.wait(10)
        second = pool.submit(cache.do, "a", "it", refuse)
        end.set()
        assert (first.result(10), second.result(10)) == (DONE, DONE)


def test_key_of_another_request_is_refused() -> None:
    cache = IdempotencyCache()
    cache.do("a", "restart web-1", lambda: DONE)
    with pytest.raises(Problem, match="'a' was used for restart web-1: use a new key") as error:
        cache.do("a", "restart web-2", lambda: DONE)
    assert error.value.status == 400


def test_failure_is_cached() -> None:
    cache, runs = IdempotencyCache(), []

    def act() -> Outcome:
        runs.append(1)
        raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            cache.do("a", "it", act)
    assert runs == [1]


def test_unavailable_stack_is_not_cached() -> None:
    cache, answers = IdempotencyCache(), [Outcome(503, "The stack is away."), DONE]
    assert cache.do("a", "it", lambda: answers[0]).status == 503
    assert cache.do("a", "it", lambda: answers[1]) == DONE


def test_oldest_keys_are_evicted() -> None:
    cache, runs = IdempotencyCache(max_keys=2), []

    def act() -> Outcome:
        runs.append(1)
        return DONE

    for key in ("a", "b", "c", "c", "b", "a"):
        cache.do(key, "it", act)
    assert len(runs) == 4  # `a` was evicted


def test_running_request_is_not_evicted() -> None:
    cache, started, end = IdempotencyCache(max_keys=1), threading.Event(), threading.Event()

    def act() -> Outcome:
        started.set()
        assert end.wait(10)
        return DONE

    with ThreadPoolExecutor() as pool:
        first = pool.submit(cache.do, "a", "it", act)
        assert started.wait(10)
        for key in ("b", "c"):
            cache.do(key, "it", lambda: DONE)
        again = pool.submit(cache.do, "a", "it", lambda: Outcome(500, "Done twice."))
        end.set()
        assert first.result(10) == again.result(10) == DONE
