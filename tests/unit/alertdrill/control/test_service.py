"""The operations, through the API."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from alertdrill.config.services import SERVICES
from alertdrill.errors import AlertdrillError
from alertdrill.runtimes.errors import StackUnavailableError
from tests.unit.alertdrill.control.conftest import TOKEN
from tests.unit.alertdrill.fake_runtime import FakeRuntime, instance

FAILED = "The control API failed: see its log for the reason."


def restart(client: FlaskClient, name: str = "web-1", key: str = "a") -> TestResponse:
    headers = {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": key}
    return client.post(f"/instances/{name}/restart", json={"grace_period": 0}, headers=headers)


def scale(
    client: FlaskClient, service: str = "web", count: int = 3, key: str = "a"
) -> TestResponse:
    headers = {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": key}
    return client.put(f"/services/{service}/scale", json={"instances": count}, headers=headers)


def test_instance_is_restarted_once_for_a_key(client: FlaskClient, runtime: FakeRuntime) -> None:
    for _ in range(3):
        answer = restart(client, "web-2")
        assert answer.get_json() == {"status": 200, "detail": "web-2 is ready again."}
    assert runtime.calls == [("restart", "web-2", 0.0)]
    restart(client, "web-2", key="another")
    assert len(runtime.calls) == 2


@pytest.mark.parametrize(
    ("name", "status", "message"),
    [
        ("data-service-1", 403, "remove `heal: false` of data-service"),
        ("lb-1", 403, "is not one of the services"),
        ("web-9", 404, "no instance named 'web-9'"),
        ("web", 404, "no instance named 'web'"),
    ],
)
def test_instance_without_the_label_is_not_restarted(
    client: FlaskClient, runtime: FakeRuntime, name: str, status: int, message: str
) -> None:
    answer = restart(client, name)
    assert (answer.status_code, message in answer.get_json()["detail"]) == (status, True)
    assert runtime.calls == []


def test_labelled_service_is_scaled(client: FlaskClient, runtime: FakeRuntime) -> None:
    assert scale(client).get_json() == {"status": 200, "detail": "web has 3 instances."}
    assert runtime.calls == [("scale", "web", 3)]


@pytest.mark.parametrize(("service", "status"), [("data-service", 403), ("lb", 404)])
def test_service_without_the_label_is_not_scaled(
    client: FlaskClient, runtime: FakeRuntime, service: str, status: int
) -> None:
    assert scale(client, service).status_code == status
    assert runtime.calls == []


def test_scaling_is_serialized(client: FlaskClient, runtime: FakeRuntime) -> None:
    began, end = threading.Event(), threading.Event()

    def hold(*_: object) -> None:
        began.set()
        assert end.wait(10)

    runtime.on_call = hold
    with ThreadPoolExecutor() as pool:
        first = pool.submit(scale, client.application.test_client(), count=3, key="a")
        assert began.wait(10)
        runtime.running = [instance("web-1", healing_enabled=True)]
        second = pool.submit(scale, client.application.test_client(), count=2, key="b")
        assert client.get("/instances").status_code == 200  # reading does not wait
        time.sleep(0.2)
        assert len(runtime.calls) == 1
        end.set()
        assert first.result(10).status_code == 200
        second.result(10)
    assert len(runtime.calls) == 2


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (AlertdrillError("Not today."), 409, "Not today."),
        (StackUnavailableError("It is down."), 503, "It is down."),
        (KeyError("x"), 500, FAILED),
    ],
)
def test_error_of_the_runtime_has_a_status(
    client: FlaskClient, runtime: FakeRuntime, error: Exception, status: int, detail: str
) -> None:
    runtime.error = error
    answer = scale(client)
    body = answer.get_json()
    assert (answer.status_code, body["detail"]) == (status, detail)
    assert (body["instance"], bool(body["request_id"])) == ("/services/web/scale", True)
    assert answer.content_type == "application/problem+json"


def test_stack_that_is_down_is_unavailable(client: FlaskClient, runtime: FakeRuntime) -> None:
    runtime.running = []
    for answer in (restart(client), client.get("/instances")):
        assert answer.status_code == 503
        assert "The stack is down" in answer.get_json()["detail"]


def test_each_change_is_logged_in_one_line(
    client: FlaskClient, runtime: FakeRuntime, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for _ in range(2):
        restart(client, key="a")
    runtime.error = AlertdrillError("Not today.")
    scale(client, key="b")
    runtime.error = StackUnavailableError("It is down.")
    scale(client, key="c")
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", "restart web-1 with a grace of 0 s: 200 after 0.0 s: web-1 is ready again."),
        ("WARNING", "scale web to 3: 409 after 0.0 s: Not today."),
        ("ERROR", "scale web to 3: 503 after 0.0 s: It is down."),
    ]


def test_unexpected_error_is_logged_with_its_traceback(
    client: FlaskClient,
    runtime: FakeRuntime,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runtime.error = KeyError("x")
    restart(client)
    monkeypatch.setattr(runtime, "status", lambda: 1 / 0)
    answer = client.get("/instances")
    assert (answer.status_code, answer.get_json()["detail"]) == (500, FAILED)
    errors = [record.exc_info[1] for record in caplog.records if record.exc_info]
    assert errors[0] is runtime.error
    assert isinstance(errors[1], ZeroDivisionError)
    assert len(caplog.records) == 2


def test_instances_are_those_of_the_services(client: FlaskClient) -> None:
    instances = client.get("/instances").get_json()["instances"]
    assert [row["name"] for row in instances] == ["web-1", "web-2", "web-3", "data-service-1"]
    assert instances[1] == {
        "name": "web-2",
        "service": "web",
        "state": "unready",
        "healing_enabled": True,
    }


def test_service_has_its_replica_limits(client: FlaskClient, runtime: FakeRuntime) -> None:
    services = client.get("/instances").get_json()["services"]
    assert set(services) == set(SERVICES)
    limits = {"min_replicas": 2, "max_replicas": 4}
    assert services["web"] == {**limits, "scale": 2, "healing_enabled": True}
    assert services["data-service"] == {**limits, "scale": 1, "healing_enabled": False}
    runtime.running.append(instance("web-4"))  # without the label
    assert not client.get("/instances").get_json()["services"]["web"]["healing_enabled"]
    runtime.running = [instance("lb-1")]
    assert not client.get("/instances").get_json()["services"]["web"]["healing_enabled"]
