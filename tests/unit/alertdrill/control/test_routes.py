import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient

from alertdrill.config.settings import StackSettings
from alertdrill.control.app import create_app
from alertdrill.control.settings import ControlSettings
from alertdrill.errors import AlertdrillError
from tests.unit.alertdrill.control.conftest import TOKEN, FakeRuntime


def test_health_needs_no_token(client: FlaskClient) -> None:
    assert client.get("/healthz", headers={"Authorization": ""}).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/metrics"])
def test_health_check_and_scrapes_fail_while_the_reconcile_loop_hangs(
    runtime: Any, stack: StackSettings, path: str
) -> None:
    settings = ControlSettings(TOKEN, stack, stack.home / "control")
    answer = create_app(settings, runtime, lambda: False).test_client().get(path)
    assert (answer.status_code, answer.content_type) == (503, "application/problem+json")


def test_metrics_need_no_token(client: FlaskClient) -> None:
    answer = client.get("/metrics", headers={"Authorization": ""})
    assert answer.status_code == 200
    assert "process_resident_memory_bytes" in answer.text


@pytest.mark.parametrize(
    ("name", "status"), [("docker-proxy-1", 200), ("docker-proxy-2", 503), ("web-1", 404)]
)
def test_proxy_is_up_if_it_reaches_the_engine(
    runtime: Any, stack: StackSettings, name: str, status: int
) -> None:
    settings = ControlSettings(TOKEN, stack, stack.home / "control")
    app = create_app(settings, runtime, proxy_answers=lambda proxy: proxy == "docker-proxy-1")
    assert app.test_client().get(f"/proxies/{name}/metrics").status_code == status


@pytest.mark.parametrize(
    "header", ["", "Bearer", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer tökén"]
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/instances"),
        ("POST", "/instances/web-1/restart"),
        ("PUT", "/services/web/scale"),
    ],
)
def test_other_routes_need_the_token(
    client: FlaskClient, runtime: FakeRuntime, method: str, path: str, header: str
) -> None:
    answer = client.open(path, method=method, headers={"Authorization": header})
    assert (answer.status_code, answer.content_type) == (401, "application/problem+json")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert runtime.calls == []


def test_instances_are_listed(client: FlaskClient) -> None:
    body = client.get("/instances").get_json()
    assert (len(body["instances"]), body["services"]["web"]["scale"]) == (4, 2)


def test_restart_returns_the_outcome(client: FlaskClient, runtime: FakeRuntime) -> None:
    answer = client.post("/instances/web-1/restart", json={"grace_period": 0})
    assert (answer.status_code, answer.get_json()["detail"]) == (200, "web-1 is ready again.")
    assert runtime.calls == [("restart", "web-1", 0.0)]


def test_scale_returns_the_outcome(client: FlaskClient, runtime: FakeRuntime) -> None:
    assert client.put("/services/web/scale", json={"instances": 3}).status_code == 200
    assert runtime.calls == [("scale", "web", 3)]


def test_refusal_is_a_problem(
    client: FlaskClient, runtime: FakeRuntime, refused: AlertdrillError
) -> None:
    runtime.error = refused
    answer = client.put("/services/web/scale", json={"instances": 3})
    assert (answer.status_code, answer.content_type) == (409, "application/problem+json")
    assert answer.get_json()["detail"] == "Not today."


def test_key_is_required(client: FlaskClient, runtime: FakeRuntime) -> None:
    headers = {"Idempotency-Key": ""}
    assert client.post("/instances/web-1/restart", headers=headers).status_code == 400
    answer = client.put("/services/web/scale", json={"instances": 3}, headers=headers)
    assert (answer.status_code, runtime.calls) == (400, [])


def test_large_body_is_refused(client: FlaskClient, runtime: FakeRuntime) -> None:
    answer = client.post("/instances/web-1/restart", data=" " * 5000)
    assert (answer.status_code, answer.content_type) == (413, "application/problem+json")
    assert runtime.calls == []


def test_bad_body_does_not_use_the_key(client: FlaskClient, runtime: FakeRuntime) -> None:
    assert client.post("/instances/web-1/restart", data="no").status_code == 400
    assert client.post("/instances/web-1/restart", json={"grace_period": 0}).status_code == 200


def test_concurrent_requests_with_one_key_run_once(
    client: FlaskClient, runtime: FakeRuntime
) -> None:
    runtime.let_go = threading.Event()

    def ask() -> int:
        return client.application.test_client().post(
            "/instances/web-1/restart",
            headers={"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": "one"},
        ).status_code  # fmt: skip

    with ThreadPoolExecutor() as pool:
        calls = [pool.submit(ask) for _ in range(4)]
        runtime.let_go.set()
        assert [request.result(10) for request in calls] == [200] * 4
    assert len(runtime.calls) == 1
