import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from alertdrill.control.desk import Desk
from alertdrill.control.errors import Problem
from alertdrill.control.once import Outcome
from alertdrill.errors import AlertdrillError
from alertdrill.runtimes.errors import StackAwayError
from alertdrill.settings import StackSettings
from tests.unit.alertdrill.control.conftest import FakeRuntime


@pytest.fixture
def desk(runtime: Any, stack: StackSettings) -> Desk:
    return Desk(runtime, stack)


def test_labelled_instance_is_restarted(desk: Desk, runtime: FakeRuntime) -> None:
    assert desk.restart("k", "web-2", 0.0) == Outcome(200, "web-2 serves again.")
    assert runtime.asked == [("restart", "web-2", 0.0)]


def test_same_key_restarts_once(desk: Desk, runtime: FakeRuntime) -> None:
    for _ in range(3):
        desk.restart("k", "web-2", None)
    desk.restart("another", "web-2", None)
    assert len(runtime.asked) == 2


@pytest.mark.parametrize(
    ("name", "status", "says"),
    [
        ("data-service-1", 403, "sets HEAL_DATA_SERVICE=1"),
        ("lb-1", 403, "is a part of the stack"),
        ("web-9", 404, "no instance 'web-9'"),
        ("web", 404, "no instance 'web'"),
    ],
)
def test_others_are_never_touched(
    desk: Desk, runtime: FakeRuntime, name: str, status: int, says: str
) -> None:
    outcome = desk.restart("k", name, 0.0)
    assert (outcome.status, says in outcome.sentence) == (status, True)
    assert runtime.asked == []


def test_one_scale_waits_for_the_other(desk: Desk, runtime: FakeRuntime) -> None:
    runtime.let_go.clear()
    with ThreadPoolExecutor() as pool:
        first = pool.submit(desk.scale, "a", "web", 3)
        until(lambda: len(runtime.asked) == 1)
        second = pool.submit(desk.scale, "b", "web", 2)
        desk.instances()  # a look does not wait
        assert len(runtime.asked) == 1
        runtime.let_go.set()
        assert (first.result(10).status, second.result(10).status) == (200, 200)


def until(check: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not check():
        assert time.monotonic() < deadline, "gave up waiting for the first change of scale"
        Event().wait(0.01)


def test_labelled_service_is_scaled(desk: Desk, runtime: FakeRuntime) -> None:
    assert desk.scale("k", "web", 3) == Outcome(200, "web has 3 instances.")
    assert runtime.asked == [("scale", "web", 3)]


@pytest.mark.parametrize(("service", "status"), [("data-service", 403), ("lb", 404)])
def test_other_services_are_not_scaled(
    desk: Desk, runtime: FakeRuntime, service: str, status: int
) -> None:
    assert desk.scale("k", service, 3).status == status
    assert runtime.asked == []


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (AlertdrillError("Not today."), Outcome(409, "Not today.")),
        (StackAwayError("It is down."), Outcome(503, "It is down.")),
        (KeyError("x"), Outcome(500, "The control API failed; its log has the reason.")),
    ],
)
def test_runtime_errors_have_a_status(
    desk: Desk, runtime: FakeRuntime, error: Exception, outcome: Outcome
) -> None:
    runtime.error = error
    assert desk.scale("k", "web", 3) == outcome


def test_stack_that_is_down_is_away(desk: Desk, runtime: FakeRuntime) -> None:
    runtime.found = []
    assert desk.restart("k", "web-1", 0.0).status == 503
    with pytest.raises(Problem, match="The stack is down") as error:
        desk.instances()
    assert error.value.status == 503


def test_each_change_is_one_line(
    desk: Desk, runtime: FakeRuntime, refused: AlertdrillError, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    desk.restart("a", "web-1", 0.0)
    desk.restart("a", "web-1", 0.0)
    runtime.error = refused
    desk.scale("b", "web", 3)
    runtime.error = StackAwayError("It is down.")
    desk.scale("c", "web", 3)
    assert [(found.levelname, found.getMessage()) for found in caplog.records] == [
        ("INFO", "restart web-1 with a grace of 0 s: 200 after 0.0 s: web-1 serves again."),
        ("WARNING", "scale web to 3: 409 after 0.0 s: Not today."),
        ("ERROR", "scale web to 3: 503 after 0.0 s: It is down."),
    ]


def test_failure_of_ours_has_its_reason(
    desk: Desk, runtime: FakeRuntime, caplog: pytest.LogCaptureFixture
) -> None:
    runtime.error = KeyError("x")
    desk.restart("a", "web-1", 0.0)
    [found] = caplog.records
    assert found.exc_info
    assert found.exc_info[1] is runtime.error
