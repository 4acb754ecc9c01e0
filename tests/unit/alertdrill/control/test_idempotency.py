import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from alertdrill.control.errors import Problem
from alertdrill.control.idempotency import IdempotencyCache, Outcome

DONE = Outcome(200, "Done.")


def test_same_key_runs_the_operation_once() -> None:
    once, acted = IdempotencyCache(), []

    def act() -> Outcome:
        acted.append(1)
        return DONE

    assert [once.do("a", "it", act), once.do("a", "it", act)] == [DONE, DONE]
    assert once.do("b", "it", act) == DONE
    assert len(acted) == 2


def test_concurrent_request_with_the_same_key_waits_for_the_first() -> None:
    once, begun, end = IdempotencyCache(), threading.Event(), threading.Event()

    def act() -> Outcome:
        begun.set()
        assert end.wait(10)
        return DONE

    def refuse() -> Outcome:
        raise AssertionError("done twice")

    with ThreadPoolExecutor() as pool:
        first = pool.submit(once.do, "a", "it", act)
        assert begun.wait(10)
        second = pool.submit(once.do, "a", "it", refuse)
        end.set()
        assert (first.result(10), second.result(10)) == (DONE, DONE)


def test_key_of_another_request_is_refused() -> None:
    once = IdempotencyCache()
    once.do("a", "restart web-1", lambda: DONE)
    with pytest.raises(Problem, match="'a' was used for restart web-1: use a new key") as error:
        once.do("a", "restart web-2", lambda: DONE)
    assert error.value.status == 400


def test_failure_is_cached() -> None:
    once, acted = IdempotencyCache(), []

    def act() -> Outcome:
        acted.append(1)
        raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            once.do("a", "it", act)
    assert acted == [1]


def test_unavailable_stack_is_not_cached() -> None:
    once, answers = IdempotencyCache(), [Outcome(503, "The stack is away."), DONE]
    assert once.do("a", "it", lambda: answers[0]).status == 503
    assert once.do("a", "it", lambda: answers[1]) == DONE


def test_oldest_keys_are_evicted() -> None:
    once, acted = IdempotencyCache(most=2), []

    def act() -> Outcome:
        acted.append(1)
        return DONE

    for key in ("a", "b", "c", "c", "b", "a"):
        once.do(key, "it", act)
    assert len(acted) == 4  # `a` was evicted


def test_running_request_is_not_evicted() -> None:
    once, begun, end = IdempotencyCache(most=1), threading.Event(), threading.Event()

    def act() -> Outcome:
        begun.set()
        assert end.wait(10)
        return DONE

    with ThreadPoolExecutor() as pool:
        first = pool.submit(once.do, "a", "it", act)
        assert begun.wait(10)
        for key in ("b", "c"):
            once.do(key, "it", lambda: DONE)
        again = pool.submit(once.do, "a", "it", lambda: Outcome(500, "Done twice."))
        end.set()
        assert first.result(10) == again.result(10) == DONE
