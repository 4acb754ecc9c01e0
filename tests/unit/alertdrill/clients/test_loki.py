from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from alertdrill.clients.http import UnreachableError
from alertdrill.clients.loki import Loki, LokiLine

# Two lines have the same time: a page may end between them.
LINES = [(1, "a"), (2, "b"), (2, "c"), (3, "d"), (4, "e")]


class Handler(BaseHTTPRequestHandler):
    """A fake Loki that answers from LINES."""

    def do_GET(self) -> None:
        parameters = {key: value[0] for key, value in parse_qs(urlsplit(self.path).query).items()}
        if parameters["query"] == "{":
            self.answer(400, b"parse error at line 1,\ncol 1: syntax error")
        elif parameters["query"] == "page":
            self.answer(200, b"<html>")
        else:
            self.answer(200, json.dumps({"data": {"result": streams(parameters)}}).encode())

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
        """Write no log."""


def streams(parameters: dict[str, str]) -> Sequence[object]:
    begin, end, limit = (int(parameters[name]) for name in ("start", "end", "limit"))
    lines = [line for line in LINES if begin <= line[0] < end]
    lines = lines[-limit:] if parameters["direction"] == "backward" else lines[:limit]
    # A stream each, in an order of Loki's own.
    return [{"stream": {"n": text}, "values": [[str(at), text]]} for at, text in reversed(lines)]


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loki]:
    monkeypatch.setattr("alertdrill.clients.loki.PAGE_SIZE", 3)
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield Loki(f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()


def test_last_lines_are_sorted_oldest_first(store: Loki) -> None:
    assert [line.message for line in store.last("{}", (0, 4), 2)] == ["c", "d"]


def test_line_has_its_time_and_fields(store: Loki) -> None:
    assert store.last("{}", (0, 5), 1) == [LokiLine(4, {"n": "e"}, "e")]


def test_pages_return_every_line_once(store: Loki) -> None:
    lines = list(store.every("{}", (0, 9)))
    assert sorted((line.at, line.message) for line in lines) == LINES
    assert [line.at for line in lines] == [1, 2, 2, 3, 4]


def test_more_lines_at_one_time_than_a_page_holds_are_an_error(
    store: Loki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alertdrill.clients.loki.PAGE_SIZE", 1)
    with pytest.raises(UnreachableError, match="have the same time"):
        list(store.every("{}", (2, 3)))


@pytest.mark.parametrize(
    ("query", "message"),
    [("{", "answers 400: parse error at line 1, col 1"), ("page", "answers without JSON")],
)
def test_refused_query_is_an_error_with_its_reason(store: Loki, query: str, message: str) -> None:
    with pytest.raises(UnreachableError, match=message):
        store.last(query, (0, 9), 1)


def test_unreachable_loki_is_an_error() -> None:
    with pytest.raises(
        UnreachableError,
        match=r"^http://127\.0\.0\.1:1/.* does not answer: check `alertdrill status`\.$",
    ):
        Loki("http://127.0.0.1:1").last("{}", (0, 9), 1)
