import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from alertdrill.control import idempotency
from alertdrill.control.idempotency import MAX_AGE_S, Outcome, OutcomeStore
from alertdrill_telemetry.problems import Problem

DONE = Outcome(200, "Done.")


@pytest.fixture
def store(tmp_path: Path) -> OutcomeStore:
    return OutcomeStore(tmp_path / "outcomes")


@pytest.fixture
def replica(tmp_path: Path) -> OutcomeStore:
    """Return the store of another replica of the control API."""
    return OutcomeStore(tmp_path / "outcomes")


def refuse() -> Outcome:
    raise AssertionError("done twice")


@pytest.mark.parametrize("outcome", [DONE, Outcome(409, "No."), Outcome(500, "Failed.")])
def test_same_key_runs_the_operation_once(
    store: OutcomeStore, replica: OutcomeStore, outcome: Outcome
) -> None:
    assert store.do("a", "it", lambda: outcome) == outcome
    assert store.do("a", "it", refuse) == outcome
    assert replica.do("a", "it", refuse) == outcome
    assert store.do("b", "it", lambda: DONE) == DONE


def test_concurrent_request_with_the_same_key_waits_for_the_first(
    store: OutcomeStore, replica: OutcomeStore
) -> None:
    started, end = threading.Event(), threading.Event()

    def act() -> Outcome:
        started.set()
        assert end.wait(10)
        return DONE

    with ThreadPoolExecutor() as pool:
        first = pool.submit(store.do, "a", "it", act)
        assert started.wait(10)
        others = [pool.submit(other.do, "a", "it", refuse) for other in (store, replica)]
        assert pool.submit(store.do, "b", "it", lambda: DONE).result(10) == DONE
        assert not any(other.done() for other in others)
        end.set()
        assert [first.result(10), *(other.result(10) for other in others)] == [DONE] * 3


def test_request_that_runs_too_long_is_unavailable(
    store: OutcomeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "MAX_WAIT_S", 0.0)
    with pytest.raises(Problem, match="still running: send it again") as error:
        store.do("a", "it", lambda: store.do("a", "it", refuse))
    assert error.value.status == 503


def test_key_of_another_request_is_refused(store: OutcomeStore) -> None:
    store.do("a", "restart web-1", lambda: DONE)
    with pytest.raises(Problem, match="'a' was used for restart web-1: use a new key") as error:
        store.do("a", "restart web-2", refuse)
    assert error.value.status == 400


def test_unavailable_stack_may_be_retried(store: OutcomeStore) -> None:
    assert store.do("a", "it", lambda: Outcome(503, "The stack is away.")).status == 503
    assert store.do("a", "it", lambda: DONE) == DONE


def test_request_that_a_crash_cut_off_may_be_retried(store: OutcomeStore, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        store.do("a", "it", lambda: Outcome(1 // 0, ""))
    assert store.do("a", "it", lambda: DONE) == DONE
    for file in (tmp_path / "outcomes").glob("*.json"):
        file.write_text('{"requ')
    assert store.do("a", "it", lambda: DONE) == DONE


def test_outcomes_are_deleted_after_an_hour(store: OutcomeStore, tmp_path: Path) -> None:
    store.do("old", "it", lambda: DONE)
    old = set((tmp_path / "outcomes").glob("*"))
    for file in old:
        os.utime(file, (0, time.time() - MAX_AGE_S - 1))
    store.do("new", "it", lambda: DONE)
    store.do("new", "it", refuse)
    files = set((tmp_path / "outcomes").glob("*"))
    assert (len(files), files & old) == (2, set())
