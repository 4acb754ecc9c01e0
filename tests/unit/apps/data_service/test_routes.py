from __future__ import annotations

import json
import tracemalloc
from unittest.mock import Mock

import pytest
from flask import Flask
from flask.testing import FlaskClient

from alertdrill_telemetry import TelemetrySettings
from apps.data_service import create_app

JSON = "application/json"


@pytest.fixture
def app() -> Flask:
    return create_app(TelemetrySettings("data-service", "data-service-1", max_body_bytes=5000))


def test_records_come_back_described(client: FlaskClient) -> None:
    rows = [{"z": 1, "a": "x"}, {"z": 3, "a": None}]
    answer = client.post("/process", json={"records": rows})
    assert answer.status_code == 200
    assert answer.mimetype == JSON
    body = answer.get_json()
    assert set(body) == {"message", "count", "summary", "data"}
    assert (body["message"], body["count"], body["data"]) == ("Data processed", 2, rows)
    assert set(body["summary"]) == {"z"}
    assert body["summary"]["z"]["mean"] == 2


def test_answer_keeps_the_order(client: FlaskClient) -> None:
    text = client.post("/process", data='{"z": 1, "a": 2}', content_type=JSON).text
    assert text.index('"z"') < text.index('"a"')
    assert list(json.loads(text)) == ["message", "count", "summary", "data"]


def test_other_json_media_type_is_accepted(client: FlaskClient) -> None:
    for media_type in ("application/json; charset=utf-8", "application/vnd.rows+json"):
        assert client.post("/process", data="{}", content_type=media_type).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("[1]", "body[0]"),
        (r'[{"\ud800": ' + f"{10**400}}}]", "body[0].\ud800"),
    ],
)
def test_wrong_records_name_their_field(client: FlaskClient, body: str, field: str) -> None:
    answer = client.post("/process", data=body, content_type=JSON)
    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"
    assert answer.get_json()["field"] == field


def test_malformed_json_is_a_bad_request(client: FlaskClient) -> None:
    assert client.post("/process", data=b"{", content_type=JSON).status_code == 400


@pytest.mark.parametrize("media_type", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_other_media_type_is_refused(client: FlaskClient, media_type: str | None) -> None:
    assert client.post("/process", data="{}", content_type=media_type).status_code == 415


def test_lone_surrogate_is_returned(client: FlaskClient) -> None:
    answer = client.post("/process", data=r'{"\ud800": 1}', content_type=JSON)
    assert answer.status_code == 200
    assert answer.get_json()["data"] == [{"\ud800": 1}]


@pytest.mark.parametrize("late", ["parsing", "describing"])
def test_work_ends_at_its_deadline(monkeypatch: pytest.MonkeyPatch, late: str) -> None:
    seconds = iter([0.0, 3.0] if late == "parsing" else [0.0, 1.0, 3.0])
    monkeypatch.setattr("apps.data_service.routes.time", Mock(monotonic=lambda: next(seconds)))
    app = create_app(TelemetrySettings("data-service", "data-service-1", read_timeout=2.0))
    answer = app.test_client().post("/process", json=[{"a": 1}])
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


@pytest.mark.parametrize(
    "item",
    # 900 fields, one or two of them in each record; and what has few fields.
    [
        *('{{"k{field}":1}}', '{{"k{field}":1,"k0":2}}', '{{"k{field}":1}}' + " " * 50),
        *("{{}}", '{{"a":{number}}}', '{{"a":[{{"":{{}}}},{{}}]}}'),
    ],
)
def test_memory_grows_with_the_bytes_of_the_body(item: str) -> None:
    app = create_app(TelemetrySettings("data-service", "data-service-1"))
    client = app.test_client()
    items = (item.format(field=number % 900, number=number) for number in range(2000))
    body = f"[{','.join(items)}]"
    tracemalloc.start()
    assert client.post("/process", data=body, content_type=JSON).status_code == 200
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # The summary of 900 fields takes 2 MB; a table of all records and fields would take 15.
    assert peak < 60 * len(body) + 3_000_000
