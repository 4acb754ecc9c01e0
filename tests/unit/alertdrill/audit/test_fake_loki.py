import json
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import requests

from alertdrill.audit.fake_loki import FakeLokiStore, serve


def attribute(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


def record(id_: str, time: str = "1", **more: Any) -> dict[str, Any]:
    return {
        "timeUnixNano": time,
        "body": {"stringValue": "POST /process"},
        "attributes": [
            attribute("request_id", id_),
            {"key": "status", "value": {"intValue": "200"}},
        ],
        **more,
    }


def batch(*records: dict[str, Any], service: str = "web") -> dict[str, Any]:
    resource = {"attributes": [attribute("service", service)]}
    return {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": records}]}]}


class Sink:
    """A sink that runs, and what is asked of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = serve(("127.0.0.1", 0), folder)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = Thread(target=self.server.serve_forever, args=[0.02])
        self.thread.start()

    def end(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def post(self, body: object, path: str = "/otlp/v1/logs") -> int:
        return requests.post(f"{self.url}{path}", json=body, timeout=5).status_code

    def lines(self, request_id: str = "run") -> list[dict[str, Any]]:
        asked = requests.get(f"{self.url}/lines", params={"request_id": request_id}, timeout=5)
        return [json.loads(line) for line in asked.text.splitlines()]


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Sink]:
    made = Sink(tmp_path)
    yield made
    made.end()


def test_lines_are_found_by_their_id(sink: Sink) -> None:
    assert sink.post(batch(record("run-1"), record("other-1"))) == 200
    assert sink.lines() == [{"service": "web", "request_id": "run-1", "status": 200}]


def test_nothing_kept_is_no_line(sink: Sink) -> None:
    assert sink.lines() == []


def test_batch_sent_twice_stays_one(sink: Sink) -> None:
    observed = [record("run-1", observedTimeUnixNano=moment) for moment in ("5", "6")]
    for one in observed:
        sink.post(batch(one))
    assert len(sink.lines()) == 1


def test_two_lines_of_a_request_stay_two(sink: Sink) -> None:
    sink.post(batch(record("run-1", "1"), record("run-1", "2")))
    assert len(sink.lines()) == 2


def test_restart_keeps_every_line(sink: Sink) -> None:
    sink.post(batch(record("run-1")))
    again = Sink(sink.folder)
    assert len(again.lines()) == 1
    again.end()


@pytest.mark.parametrize(
    "body", [{}, {"resourceLogs": [{}]}, [], {"resourceLogs": [{"scopeLogs": [1]}]}]
)
def test_other_json_is_refused_whole(sink: Sink, body: object) -> None:
    assert sink.post(body) == 400
    assert FakeLokiStore(sink.folder).size() == 0


def test_other_paths_are_refused(sink: Sink) -> None:
    assert sink.post(batch(record("run-1")), "/loki/api/v1/push") == 404
    assert requests.get(f"{sink.url}/metrics", timeout=5).status_code == 404
    assert requests.get(f"{sink.url}/ready", timeout=5).text == "ready\n"
