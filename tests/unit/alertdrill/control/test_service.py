import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from alertdrill.config.services import SERVICES
from alertdrill.config.settings import StackSettings
from alertdrill.control.idempotency import Outcome
from alertdrill.control.service import ControlService, healing_enabled, serialize_stack
from alertdrill.errors import AlertdrillError
from alertdrill.runtimes.errors import StackUnavailableError
from tests.unit.alertdrill.control.conftest import FakeRuntime, instance


@pytest.fixture
def service(runtime: Any, stack: StackSettings) -> ControlService:
    return ControlService(runtime, stack, stack.home / "control")


def test_labelled_instance_is_restarted(service: ControlService, runtime: FakeRuntime) -> None:
    assert service.restart("k", "web-2", 0.0) == Outcome(200, "web-2 is ready again.")
    assert runtime.calls == [("restart", "web-2", 0.0)]


def test_same_key_restarts_once(service: ControlService, runtime: FakeRuntime) -> None:
    for _ in range(3):
        service.restart("k", "web-2", None)
    service.restart("another", "web-2", None)
    assert len(runtime.calls) == 2


@pytest.mark.parametrize(
    ("name", "status", "message"),
    [
        ("data-service-1", 403, "set HEAL_DATA_SERVICE=1"),
        ("lb-1", 403, "is not one of the services"),
        ("web-9", 404, "no instance named 'web-9'"),
        ("web", 404, "no instance named 'web'"),
    ],
)
def test_instances_without_the_label_are_not_restarted(
    service: ControlService, runtime: FakeRuntime, name: str, status: int, message: str
) -> None:
    outcome = service.restart("k", name, 0.0)
    assert (outcome.status, message in outcome.detail) == (status, True)
    assert runtime.calls == []


def test_scaling_is_serialized(service: ControlService, runtime: FakeRuntime) -> None:
    runtime.let_go.clear()
    with ThreadPoolExecutor() as pool:
        first = pool.submit(service.scale, "a", "web", 3)
        until(lambda: len(runtime.calls) == 1)
        second = pool.submit(service.scale, "b", "web", 2)
        service.instances()  # reading does not wait
        assert len(runtime.calls) == 1
        runtime.let_go.set()
        assert (first.result(10).status, second.result(10).status) == (200, 200)


def until(check: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not check():
        assert time.monotonic() < deadline, "gave up waiting for the first change of scale"
        Event().wait(0.01)


def test_labelled_service_is_scaled(service: ControlService, runtime: FakeRuntime) -> None:
    assert service.scale("k", "web", 3) == Outcome(200, "web has 3 instances.")
    assert runtime.calls == [("scale", "web", 3)]


@pytest.mark.parametrize(("name", "status"), [("data-service", 403), ("lb", 404)])
def test_services_without_the_label_are_not_scaled(
    service: ControlService, runtime: FakeRuntime, name: str, status: int
) -> None:
    assert service.scale("k", name, 3).status == status
    assert runtime.calls == []


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (AlertdrillError("Not today."), Outcome(409, "Not today.")),
        (StackUnavailableError("It is down."), Outcome(503, "It is down.")),
        (KeyError("x"), Outcome(500, "The control API failed: see its log for the reason.")),
    ],
)
def test_runtime_errors_have_a_status(
    service: ControlService, runtime: FakeRuntime, error: Exception, outcome: Outcome
) -> None:
    runtime.error = error
    assert service.scale("k", "web", 3) == outcome


def test_stack_that_is_down_is_unavailable(service: ControlService, runtime: FakeRuntime) -> None:
    runtime.listed = []
    assert service.restart("k", "web-1", 0.0).status == 503
    with pytest.raises(StackUnavailableError, match="The stack is down"):
        service.instances()


def test_each_change_is_logged_in_one_line(
    service: ControlService,
    runtime: FakeRuntime,
    refused: AlertdrillError,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    service.restart("a", "web-1", 0.0)
    service.restart("a", "web-1", 0.0)
    runtime.error = refused
    service.scale("b", "web", 3)
    runtime.error = StackUnavailableError("It is down.")
    service.scale("c", "web", 3)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", "restart web-1 with a grace of 0 s: 200 after 0.0 s: web-1 is ready again."),
        ("WARNING", "scale web to 3: 409 after 0.0 s: Not today."),
        ("ERROR", "scale web to 3: 503 after 0.0 s: It is down."),
    ]


def test_unexpected_error_is_logged_with_its_traceback(
    service: ControlService, runtime: FakeRuntime, caplog: pytest.LogCaptureFixture
) -> None:
    runtime.error = KeyError("x")
    service.restart("a", "web-1", 0.0)
    [record] = caplog.records
    assert record.exc_info
    assert record.exc_info[1] is runtime.error


def test_components_are_left_out(runtime: FakeRuntime, stack: StackSettings) -> None:
    shown = serialize_stack(runtime.listed, stack)["instances"]
    assert isinstance(shown, list)
    assert {instance["service"] for instance in shown} == {"web", "data-service"}
    assert shown[1] == {
        "name": "web-2",
        "service": "web",
        "state": "unready",
        "healing_enabled": True,
    }


def test_service_has_its_replica_limits(runtime: FakeRuntime, stack: StackSettings) -> None:
    services = serialize_stack(runtime.listed, stack)["services"]
    assert isinstance(services, dict)
    assert set(services) == set(SERVICES)
    assert services["web"] == {
        "min_replicas": 2,
        "max_replicas": 4,
        "scale": 2,
        "healing_enabled": True,
    }
    assert services["data-service"] == {
        "min_replicas": 2,
        "max_replicas": 4,
        "scale": 1,
        "healing_enabled": False,
    }


def test_service_heals_only_if_every_instance_is_labelled() -> None:
    assert healing_enabled("web", [instance("web-1"), instance("lb-1", healing_enabled=False)])
    assert not healing_enabled("web", [instance("web-1"), instance("web-2", healing_enabled=False)])
    assert not healing_enabled("web", [])
