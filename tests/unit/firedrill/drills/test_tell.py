from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from alerting.responder.drill_journal import parse
from firedrill.drills.outcome import PHASES, Outcome
from firedrill.drills.tell import Results, document
from tests.unit.firedrill.drills.fakes import FakeProgress, FakeRuntime, instance


def outcome(verdict: Any = "passed", reason: str = "") -> Outcome:
    return Outcome(
        *("InstanceHung", "web-2 is frozen.", "pause web-2", "ticket", verdict, reason),
        began=1763917200.25,
        ended=1763917220.0,
        times={"pending": 1.5, "firing": 3.0, "resolved": -0.001},
        limits=dict.fromkeys(PHASES, 5.0),
    )


class Listener:
    """A responder that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.tokens: list[str | None] = []
        self.status = 201
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.path == "/drills"
                size = int(self.headers["Content-Length"])
                listener.told.append(json.loads(self.rfile.read(size)))
                listener.tokens.append(self.headers["Authorization"])
                self.send_response(listener.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def runtime(tmp_path: Path, listener: Listener) -> Any:
    made = FakeRuntime(tmp_path)
    made.found = [instance("responder-1")]
    made.urls["responder"] = listener.url
    return made


def test_drill_is_told_with_token(runtime: Any, listener: Listener) -> None:
    progress = FakeProgress()
    Results(runtime, progress).tell(outcome(), 12)
    assert listener.told == [document(outcome(), 12)]
    assert listener.tokens == ["Bearer the-responders-token"]
    assert progress.seen == []


def test_responder_takes_what_is_told() -> None:
    found = parse(json.dumps(document(outcome("failed", "It hung."), 1.5)).encode())
    assert (found.alert, found.verdict, found.reason) == ("InstanceHung", "failed", "It hung.")
    assert found.speed == 1.5
    assert found.began.timestamp() == 1763917200.25
    assert found.times == {"pending": 1.5, "firing": 3.0, "resolved": 0.0}


def test_stack_that_is_down_is_not_told(runtime: Any, listener: Listener) -> None:
    runtime.found = []
    progress = FakeProgress()
    Results(runtime, progress).tell(outcome(), 12)
    assert (listener.told, progress.seen) == ([], [])


def test_skipped_drill_is_not_told(runtime: Any, listener: Listener) -> None:
    Results(runtime, FakeProgress()).tell(outcome("skipped"), 12)
    assert listener.told == []


def test_refusal_is_told_once_and_tried_again(runtime: Any, listener: Listener) -> None:
    listener.status = 503
    progress = FakeProgress()
    results = Results(runtime, progress)
    for _ in range(3):
        results.tell(outcome(), 12)
    [(kind, said)] = progress.seen
    assert kind == "note"
    assert str(said).startswith("The responder took no word of a drill (503")
    assert len(listener.told) == 3
