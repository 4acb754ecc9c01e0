from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import requests
from werkzeug.serving import make_server

from alertdrill.audit.fake_loki import create_app
from alertdrill.clients.http import UnreachableError
from alertdrill.clients.loki import Loki, LokiLine

QUERY = '{service=~"lb|web"} | logger="access" | request_id=~"run-.*"'


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


def batch(*records: dict[str, Any]) -> dict[str, Any]:
    resource = {"attributes": [attribute("service", "web")]}
    return {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": records}]}]}


class RunningFakeLoki:
    """A running fake Loki and its client."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = make_server("127.0.0.1", 0, create_app(str(folder)), threaded=True)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = Thread(target=self.server.serve_forever, args=[0.02])
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def post(self, body: object, path: str = "/otlp/v1/logs") -> int:
        return requests.post(f"{self.url}{path}", json=body, timeout=5).status_code

    def lines(self, begin: int = 1, end: int = 9, query: str = QUERY) -> list[LokiLine]:
        return list(Loki(self.url).every(query, (begin, end)))


@pytest.fixture
def fake_loki(tmp_path: Path) -> Iterator[RunningFakeLoki]:
    server = RunningFakeLoki(tmp_path / "data")
    yield server
    server.stop()


def test_lines_are_selected_by_request_id(fake_loki: RunningFakeLoki) -> None:
    assert fake_loki.post(
        batch(record("run-1"), record("other-1"), {**record(""), "attributes": []})
    )
    fields = {"service": "web", "request_id": "run-1", "status": "200"}
    assert fake_loki.lines() == [LokiLine(1, fields, "POST /process")]


def test_lines_are_selected_by_time_and_sorted(fake_loki: RunningFakeLoki) -> None:
    fake_loki.post(batch(*(record(f"run-{time}", str(time)) for time in (3, 10, 2, 1, 4))))
    assert [line.at for line in fake_loki.lines(2, 4)] == [2, 3]


def test_many_lines_are_read_in_pages(
    fake_loki: RunningFakeLoki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alertdrill.clients.loki.PAGE_SIZE", 3)
    fake_loki.post(batch(*(record(f"run-{number}", str(number // 2)) for number in range(2, 12))))
    assert [line.at for line in fake_loki.lines()] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_query_without_a_request_id_is_refused(fake_loki: RunningFakeLoki) -> None:
    with pytest.raises(UnreachableError, match="has no prefix of a request id"):
        fake_loki.lines(query='{service="web"}')


@pytest.mark.parametrize(
    ("records", "times"),
    [
        # Sent twice, and read at another time.
        ([record("run-1", observedTimeUnixNano=moment) for moment in ("5", "6")], [1]),
        ([record("run-1", "1"), record("run-1", "2")], [1, 2]),
        ([record("run-1", "0", observedTimeUnixNano="5")], [5]),
    ],
)
def test_line_is_identified_by_its_own_time(
    fake_loki: RunningFakeLoki, records: list[dict[str, Any]], times: list[int]
) -> None:
    for stored in records:
        fake_loki.post(batch(stored))
    assert [line.at for line in fake_loki.lines()] == times


def test_restart_keeps_every_line(fake_loki: RunningFakeLoki) -> None:
    fake_loki.post(batch(record("run-1")))
    second = RunningFakeLoki(fake_loki.folder)
    assert len(second.lines()) == 1
    second.stop()


@pytest.mark.parametrize(
    "body",
    [
        *({}, {"resourceLogs": [{}]}, [], {"resourceLogs": [{"scopeLogs": [1]}]}),
        batch(record("run-1"), record("run-2", "x")),
    ],
)
def test_invalid_batch_is_refused_and_not_stored(fake_loki: RunningFakeLoki, body: object) -> None:
    assert fake_loki.post(body) == 400
    assert fake_loki.lines() == []


def test_unknown_paths_are_not_found(fake_loki: RunningFakeLoki) -> None:
    assert fake_loki.post(batch(record("run-1")), "/loki/api/v1/push") == 404
    assert requests.get(f"{fake_loki.url}/metrics", timeout=5).status_code == 404
    assert requests.get(f"{fake_loki.url}/ready", timeout=5).text == "ready\n"
