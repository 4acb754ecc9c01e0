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


class RunningFakeLoki:
    """A running fake Loki and its client."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = serve(("127.0.0.1", 0), folder)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = Thread(target=self.server.serve_forever, args=[0.02])
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def post(self, body: object, path: str = "/otlp/v1/logs") -> int:
        return requests.post(f"{self.url}{path}", json=body, timeout=5).status_code

    def lines(self, request_id: str = "run") -> list[dict[str, Any]]:
        response = requests.get(f"{self.url}/lines", params={"request_id": request_id}, timeout=5)
        return [json.loads(line) for line in response.text.splitlines()]


@pytest.fixture
def fake_loki(tmp_path: Path) -> Iterator[RunningFakeLoki]:
    server = RunningFakeLoki(tmp_path)
    yield server
    server.stop()


def test_lines_are_selected_by_request_id(fake_loki: RunningFakeLoki) -> None:
    assert fake_loki.post(batch(record("run-1"), record("other-1"))) == 200
    assert fake_loki.lines() == [{"service": "web", "request_id": "run-1", "status": 200}]


def test_empty_store_returns_no_lines(fake_loki: RunningFakeLoki) -> None:
    assert fake_loki.lines() == []


def test_batch_sent_twice_is_stored_once(fake_loki: RunningFakeLoki) -> None:
    copies = [record("run-1", observedTimeUnixNano=moment) for moment in ("5", "6")]
    for copy in copies:
        fake_loki.post(batch(copy))
    assert len(fake_loki.lines()) == 1


def test_two_lines_of_one_request_are_both_stored(fake_loki: RunningFakeLoki) -> None:
    fake_loki.post(batch(record("run-1", "1"), record("run-1", "2")))
    assert len(fake_loki.lines()) == 2


def test_restart_keeps_every_line(fake_loki: RunningFakeLoki) -> None:
    fake_loki.post(batch(record("run-1")))
    second = RunningFakeLoki(fake_loki.folder)
    assert len(second.lines()) == 1
    second.stop()


@pytest.mark.parametrize(
    "body", [{}, {"resourceLogs": [{}]}, [], {"resourceLogs": [{"scopeLogs": [1]}]}]
)
def test_invalid_batch_is_refused_and_not_stored(fake_loki: RunningFakeLoki, body: object) -> None:
    assert fake_loki.post(body) == 400
    assert list(FakeLokiStore(fake_loki.folder).lines("")) == []


def test_unknown_paths_are_not_found(fake_loki: RunningFakeLoki) -> None:
    assert fake_loki.post(batch(record("run-1")), "/loki/api/v1/push") == 404
    assert requests.get(f"{fake_loki.url}/metrics", timeout=5).status_code == 404
    assert requests.get(f"{fake_loki.url}/ready", timeout=5).text == "ready\n"
