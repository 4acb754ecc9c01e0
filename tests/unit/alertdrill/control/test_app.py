from pathlib import Path

import pytest
from flask.testing import FlaskClient

from alertdrill.config.settings import StackSettings
from alertdrill.control.app import RestartBody, ScaleBody, create_app, parse_body
from alertdrill.control.problems import Problem
from tests.unit.alertdrill.control.conftest import FakeRuntime


def test_app_is_created_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, stack = tmp_path / "token", tmp_path / "stack.json"
    token.write_text("the-token-of-the-control-api\n")
    stack.write_text(StackSettings(tmp_path / "home", runtime="native").to_json())
    monkeypatch.setenv("CONTROL_TOKEN_FILE", str(token))
    monkeypatch.setenv("CONTROL_STACK", str(stack))
    headers = {"Authorization": "Bearer the-token-of-the-control-api"}
    answer = create_app().test_client().get("/instances", headers=headers)
    # The stack is down, and no folder was created.
    assert (answer.status_code, (tmp_path / "home").exists()) == (503, False)


def test_swarm_runtime_is_selected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("the-token-of-the-control-api\n")
    monkeypatch.setenv("CONTROL_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("RUNTIME", "swarm")
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    headers = {"Authorization": "Bearer the-token-of-the-control-api"}
    answer = create_app().test_client().get("/instances", headers=headers)
    assert answer.status_code == 503
    assert "The Docker engine at tcp://127.0.0.1:9 does not answer" in answer.get_json()["detail"]


@pytest.mark.parametrize(
    ("body", "seconds"),
    [(b"", None), (b"{}", None), (b'{"grace_period": null}', None), (b'{"grace_period": 0}', 0.0)],
)
def test_grace_is_optional(body: bytes, seconds: float | None) -> None:
    assert parse_body(RestartBody, body).grace_period == seconds


@pytest.mark.parametrize("value", ["-1", "60.1", "NaN", "Infinity", "1e999", "true", '"5"', "[]"])
def test_grace_out_of_range_is_refused(value: str) -> None:
    with pytest.raises(Problem, match="0 to 60 seconds"):
        parse_body(RestartBody, f'{{"grace_period": {value}}}'.encode())


@pytest.mark.parametrize("value", ["2.5", "true", '"3"', "null", "[3]"])
def test_instances_must_be_an_integer(value: str) -> None:
    with pytest.raises(Problem, match="send an integer, as in"):
        parse_body(ScaleBody, f'{{"instances": {value}}}'.encode())
    with pytest.raises(Problem, match="send an integer, as in"):
        parse_body(ScaleBody, b"")


@pytest.mark.parametrize(
    "body", [b"no", b"[1]", b'"x"', b'{"grace_period": 1, "more": 2}', b"\xff"]
)
def test_other_bodies_are_refused(body: bytes) -> None:
    with pytest.raises(Problem) as error:
        parse_body(RestartBody, body)
    assert error.value.status == 400


def test_deeply_nested_body_is_refused() -> None:
    with pytest.raises(Problem, match="Invalid JSON"):
        parse_body(RestartBody, b"[" * 100_000)


@pytest.mark.parametrize("header", ["", "  ", "x" * 201, "a\x01b"])
def test_invalid_key_is_refused(client: FlaskClient, header: str) -> None:
    answer = client.post("/instances/web-1/restart", headers={"Idempotency-Key": header})
    assert answer.status_code == 400
    assert "Idempotency-Key must have 1 to 200" in answer.get_json()["detail"]


def test_key_is_stripped(client: FlaskClient, runtime: FakeRuntime) -> None:
    for key in (" restart-7 ", "restart-7"):
        client.post("/instances/web-1/restart", headers={"Idempotency-Key": key})
    assert len(runtime.calls) == 1
