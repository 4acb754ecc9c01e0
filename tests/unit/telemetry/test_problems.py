from __future__ import annotations

from typing import NoReturn

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from alertdrill_telemetry.problems import Problem


def check(answer: TestResponse, status: int) -> dict[str, object]:
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    body = answer.get_json()
    assert isinstance(body, dict)
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == answer.headers["X-Request-ID"]
    return body


def test_unknown_path_is_a_problem(client: FlaskClient) -> None:
    assert check(client.get("/nowhere"), 404)["instance"] == "/nowhere"


def test_wrong_method_lists_the_allowed_ones(client: FlaskClient) -> None:
    answer = client.delete("/items/1")
    check(answer, 405)
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_body_over_the_limit_is_refused(client: FlaskClient) -> None:
    assert client.post("/read", data=b"x" * 1000).status_code == 200
    assert "1000 bytes" in str(check(client.post("/read", data=b"x" * 1001), 413)["detail"])


def test_other_media_type_is_a_problem(client: FlaskClient) -> None:
    check(client.post("/parse", data="a=1", content_type="text/plain"), 415)


def test_malformed_json_is_a_problem(client: FlaskClient) -> None:
    check(client.post("/parse", data="{", content_type="application/json"), 400)


def test_exception_shows_no_stack_trace(client: FlaskClient) -> None:
    answer = client.get("/fail")
    check(answer, 500)
    for secret in ("ZeroDivisionError", "Traceback", "division", ".py"):
        assert secret not in answer.text


@pytest.mark.parametrize("status", [422, 503, 520, 599])
def test_raised_problem_is_the_answer(app: Flask, status: int) -> None:
    def refuse() -> NoReturn:
        raise Problem(status, "Send less.", headers={"Retry-After": "3"}, field="records[0].a")

    app.add_url_rule("/refuse", "refuse", refuse)
    answer = app.test_client().get("/refuse")
    body = check(answer, status)
    assert (body["type"], body["detail"]) == ("about:blank", "Send less.")
    assert body["field"] == "records[0].a"
    assert answer.headers["Retry-After"] == "3"


def test_redirect_stays_a_redirect(app: Flask) -> None:
    app.add_url_rule("/folder/", "folder", lambda: "")
    assert app.test_client().get("/folder").status_code == 308
