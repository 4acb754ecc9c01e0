"""What does not depend on the runtime: authorization, request bodies, keys, operations."""

import json
from pathlib import Path

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient

from alertdrill.config.settings import StackSettings
from alertdrill.control.app import create_app, serve
from alertdrill.control.settings import ControlSettings
from alertdrill.runtimes.base import SUPERVISOR_METRICS
from tests.unit.alertdrill.control.conftest import TOKEN
from tests.unit.alertdrill.fake_runtime import FakeRuntime
from tests.unit.telemetry.instance import TIMEOUT_S, Instance

RESTART = "/instances/web-1/restart"
SCALE = "/services/web/scale"
PROBLEM = "application/problem+json"


@pytest.mark.parametrize(
    ("runtime", "message"),
    [
        ("native", "The stack is down"),
        ("swarm", "The Docker engine at tcp://127.0.0.1:9 does not answer"),
    ],
)
def test_app_is_created_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runtime: str, message: str
) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    (tmp_path / "stack.json").write_text(
        StackSettings(tmp_path / "home", runtime=runtime).to_json()
    )
    monkeypatch.setenv("CONTROL_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("CONTROL_STACK", str(tmp_path / "stack.json"))
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = serve().test_client().get("/instances", headers=headers)
    assert answer.status_code == 503
    assert message in answer.get_json()["detail"]
    assert not (tmp_path / "home").exists()


def operations(app: Flask) -> FlaskClient:
    """Return a client of the port of the operations."""
    operations: Flask = app.extensions["telemetry"].operations
    return operations.test_client()


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_operations_need_no_token_and_fail_while_the_reconcile_loop_hangs(
    settings: ControlSettings, runtime: FakeRuntime, path: str
) -> None:
    assert operations(create_app(settings, runtime)).get(path).status_code == 200
    answer = operations(create_app(settings, runtime, lambda: False)).get(path)
    assert (answer.status_code, answer.content_type) == (503, PROBLEM)


def test_api_and_operations_have_a_port_each(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    token, home = str(tmp_path / "token"), str(tmp_path / "home")
    variables = {"CONTROL_TOKEN_FILE": token, "ALERTDRILL_HOME": home, "RUNTIME": "native"}
    app = "alertdrill.control.app:serve()"
    with Instance(1, tmp_path, app=app, SERVICE="control", **variables) as instance:
        urls = f"{instance.url}/instances", f"{instance.url}/metrics"
        answers = [requests.get(url, timeout=TIMEOUT_S) for url in urls]
        assert [answer.status_code for answer in answers] == [401, 404]
        assert "flask_http_request_total" in instance.samples()
        (line,) = [line for line in instance.lines("access") if line["status"] == 401]
        assert line["service"] == "control"


def test_request_is_counted_and_logged(
    client: FlaskClient, capfd: pytest.CaptureFixture[str]
) -> None:
    client.get("/instances", headers={"X-Request-ID": "from-the-responder"})
    (line,) = [json.loads(text) for text in capfd.readouterr().out.splitlines()]
    assert (line["logger"], line["service"]) == ("access", "control")
    assert (line["route"], line["request_id"]) == ("/instances", "from-the-responder")
    metrics = operations(client.application).get("/metrics").text
    assert 'flask_http_request_total{method="GET",status="200"} 1.0' in metrics
    assert "process_resident_memory_bytes" in metrics


def test_scrape_fails_while_all_worker_threads_hang(client: FlaskClient) -> None:
    client.application.extensions["telemetry"].readiness.add("worker_threads", lambda: "They hang.")
    answer = operations(client.application).get("/metrics")
    assert (answer.status_code, answer.get_json()["detail"]) == (503, "They hang.")
    assert operations(client.application).get("/readyz").status_code == 503


@pytest.mark.parametrize(
    ("name", "status"), [("docker-proxy-1", 200), ("docker-proxy-2", 503), ("web-1", 404)]
)
def test_proxy_is_up_if_it_reaches_the_engine(
    settings: ControlSettings, runtime: FakeRuntime, name: str, status: int
) -> None:
    app = create_app(settings, runtime, proxy_answers=lambda proxy: proxy == "docker-proxy-1")
    answer = operations(app).get(f"/proxies/{name}/metrics")
    assert answer.status_code == status
    assert answer.mimetype == ("text/plain" if status == 200 else PROBLEM)


@pytest.mark.parametrize(
    "header", ["", "Bearer", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer tökén"]
)
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/instances"), ("POST", RESTART), ("PUT", SCALE)]
)
def test_operations_need_the_token(
    client: FlaskClient, runtime: FakeRuntime, method: str, path: str, header: str
) -> None:
    answer = client.open(path, method=method, headers={"Authorization": header})
    assert (answer.status_code, answer.content_type) == (401, PROBLEM)
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert runtime.calls == []


@pytest.mark.parametrize(
    ("body", "grace"),
    [(b"", ()), (b"{}", ()), (b'{"grace_period": null}', ()), (b'{"grace_period": 0}', (0.0,))],
)
def test_grace_is_optional(
    client: FlaskClient, runtime: FakeRuntime, body: bytes, grace: tuple[float, ...]
) -> None:
    assert client.post(RESTART, data=body).status_code == 200
    assert runtime.calls == [("restart", "web-1", *grace)]


GRACE_PERIODS = ["-1", "60.1", "NaN", "Infinity", "1e999", "true", '"5"', "[]"]
COUNTS = ["2.5", "true", '"3"', "null", "[3]"]


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        *((RESTART, f'{{"grace_period": {value}}}', "0 to 60 seconds") for value in GRACE_PERIODS),
        *((SCALE, f'{{"instances": {value}}}', "send an integer") for value in COUNTS),
        (SCALE, "", "send an integer"),
        (RESTART, "no", "Invalid JSON"),
        (RESTART, "[" * 4000, "Invalid JSON"),
        (RESTART, b"\xff", "Invalid JSON"),
        *((RESTART, body, "0 to 60 seconds") for body in ("[1]", '"x"')),
        (RESTART, '{"grace_period": 1, "more": 2}', "Extra inputs are not permitted"),
    ],
)
def test_other_body_is_refused_and_does_not_use_the_key(
    client: FlaskClient, runtime: FakeRuntime, path: str, body: str | bytes, message: str
) -> None:
    method = "POST" if path == RESTART else "PUT"
    answer = client.open(path, method=method, data=body)
    assert (answer.status_code, answer.content_type, runtime.calls) == (400, PROBLEM, [])
    assert message in answer.get_json()["detail"]
    assert client.post(RESTART).status_code == 200


def test_large_body_is_refused(client: FlaskClient, runtime: FakeRuntime) -> None:
    answer = client.post(RESTART, data=" " * 5000)
    assert (answer.status_code, answer.content_type, runtime.calls) == (413, PROBLEM, [])


@pytest.mark.parametrize("key", ["", "  ", "x" * 201, "a\x01b"])
@pytest.mark.parametrize(
    ("method", "path", "body"), [("POST", RESTART, {}), ("PUT", SCALE, {"instances": 3})]
)
def test_invalid_key_is_refused(
    client: FlaskClient,
    runtime: FakeRuntime,
    method: str,
    path: str,
    body: dict[str, int],
    key: str,
) -> None:
    answer = client.open(path, method=method, json=body, headers={"Idempotency-Key": key})
    assert "Idempotency-Key must have 1 to 200" in answer.get_json()["detail"]
    assert (answer.status_code, runtime.calls) == (400, [])


def test_key_is_stripped(client: FlaskClient, runtime: FakeRuntime) -> None:
    for key in (" restart-7 ", "restart-7"):
        client.post(RESTART, headers={"Idempotency-Key": key})
    assert len(runtime.calls) == 1


@pytest.mark.parametrize(
    ("method", "path", "status", "title"),
    [
        ("GET", "/nothing", 404, "Not Found"),
        ("DELETE", "/instances", 405, "Method Not Allowed"),
    ],
)
def test_unknown_address_is_a_problem(
    client: FlaskClient, method: str, path: str, status: int, title: str
) -> None:
    answer = client.open(path, method=method)
    body = answer.get_json()
    assert (answer.status_code, answer.content_type) == (status, PROBLEM)
    assert (body["status"], body["title"]) == (status, title)
    assert (body["instance"], body["request_id"]) == (path, answer.headers["X-Request-ID"])


class Supervised(FakeRuntime):
    """A runtime with a supervisor, which writes the log files and may be gone."""

    answers = True

    def supervisor_answers(self) -> bool:
        return self.answers

    def watch_supervisor(self) -> None:
        self._record("watch_supervisor")

    def lost_log_lines(self) -> dict[str, float]:
        self._record("lost_log_lines")
        return {"web-1": 2.0, "lb-1": 0.0}


def test_lost_lines_of_the_log_files_are_exposed(settings: ControlSettings) -> None:
    runtime = Supervised()
    client = operations(create_app(settings, runtime))
    text = client.get("/metrics").text
    assert "# TYPE supervisor_log_lines_lost_total counter" in text
    assert 'supervisor_log_lines_lost_total{process="web-1"} 2.0' in text
    assert 'supervisor_log_lines_lost_total{process="lb-1"} 0.0' in text
    runtime.refuses = {"lost_log_lines"}
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert "supervisor_log_lines_lost_total{" not in answer.text


def test_scrape_of_the_supervisor_fails_while_it_is_gone(settings: ControlSettings) -> None:
    runtime = Supervised()
    client = operations(create_app(settings, runtime))
    assert client.get(SUPERVISOR_METRICS).status_code == 200
    runtime.answers = False
    assert client.get(SUPERVISOR_METRICS).status_code == 503
    assert client.get("/readyz").status_code == 200  # the control API itself answers


def test_runtime_without_a_supervisor_has_no_scrape_of_it(settings: ControlSettings) -> None:
    client = operations(create_app(settings, FakeRuntime()))
    assert client.get(SUPERVISOR_METRICS).status_code == 404
