"""The WSGI side of granian, with a fake of granian's protocol."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from alertdrill_telemetry.granian_gateway import Gateway


class Protocol:
    """What granian gives to a request: it sends bytes, or iterates a body and closes it."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self.sent: list[bytes] = []
        self.is_stream = self.is_broken = False

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status, self.headers, self.sent = status, headers, [body]

    def response_iter(self, status: int, headers: list[tuple[str, str]], body: Any) -> None:
        self.status, self.headers, self.is_stream = status, headers, True
        try:
            while True:
                self.sent.append(body.__next__())
        except StopIteration:
            pass
        except Exception:  # noqa: BLE001 - as granian does
            self.is_broken = True
        body.close()


class Body:
    """An iterable that counts the calls of `close`."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts = parts
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._parts)

    def close(self) -> None:
        self.closed += 1


def ask(application: Callable[..., Any]) -> Protocol:
    protocol = Protocol()
    request = {"PATH_INFO": "/orders", "REQUEST_METHOD": "GET"}
    Gateway(application, threads=1, token="secret")(protocol, request)
    return protocol


def answering(body: Iterable[bytes], *headers: tuple[str, str]) -> Callable[..., Iterable[bytes]]:
    def application(_environ: object, start_response: Callable[..., object]) -> Iterable[bytes]:
        start_response("200 OK", list(headers))
        return body

    return application


def failing(*parts: bytes) -> Iterator[bytes]:
    yield from parts
    raise ValueError("no more")


@pytest.mark.parametrize("parts", [[b"abc"], [b"abcdef"], [b"abc", b"def"]])
def test_body_of_the_announced_length_is_sent_at_once(parts: list[bytes]) -> None:
    body = Body(parts)
    answer = ask(answering(body, ("content-length", "3")))
    assert (answer.sent, answer.is_stream, body.closed) == ([b"abc"], False, 1)


def test_empty_body_is_sent_at_once() -> None:
    answer = ask(answering([], ("Content-Length", "3")))  # as to a HEAD request
    assert (answer.status, answer.sent, answer.is_stream) == (200, [b""], False)


def test_other_body_is_a_stream() -> None:
    body = Body([b"a", b"b"])
    answer = ask(answering(body))
    assert (answer.sent, answer.is_stream, body.closed) == ([b"a", b"b"], True, 1)


def test_body_that_fails_before_its_first_part_is_a_500(caplog: pytest.LogCaptureFixture) -> None:
    body = Body(failing())
    answer = ask(answering(body))
    assert (answer.status, answer.sent, body.closed) == (500, [b""], 1)
    (record,) = caplog.records
    assert record.getMessage() == "Error handling request /orders"


def test_body_that_fails_later_breaks_off() -> None:
    body = Body(failing(b"a"))
    answer = ask(answering(body))
    assert (answer.status, answer.sent, answer.is_broken, body.closed) == (200, [b"a"], True, 1)


def test_failing_close_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    body = Body([b"abc"])
    body.close = lambda: 1 // 0  # type: ignore[method-assign, assignment]
    assert ask(answering(body, ("Content-Length", "3"))).sent == [b"abc"]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_application_may_write_its_body() -> None:
    def application(_environ: object, start_response: Callable[..., Any]) -> Iterable[bytes]:
        write = start_response("200 OK", [("Content-Length", "6")])
        write(b"abc")
        return [b"def"]

    assert ask(application).sent == [b"abcdef"]


def test_application_that_fails_after_it_has_written_breaks_off() -> None:
    def application(_environ: object, start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [])(b"abc")
        raise ValueError("no more")

    answer = ask(application)
    assert (answer.status, answer.sent, answer.is_broken) == (200, [b"abc"], True)


def test_response_may_start_with_its_first_part() -> None:
    def application(_environ: object, start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("201 Created", [])
        yield b"a"

    assert ask(application).status == 201


def test_response_that_does_not_start_is_a_500() -> None:
    assert ask(lambda *_: [b"a"]).status == 500


def test_response_starts_again_only_with_an_error() -> None:
    def application(environ: Any, start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [])
        start_response("404 Not Found", [], *environ.get("test.error", ()))
        return [b"a"]

    def recovering(environ: Any, start_response: Callable[..., Any]) -> Iterable[bytes]:
        error = ValueError()
        return application(environ | {"test.error": [(ValueError, error, None)]}, start_response)

    assert ask(application).status == 500
    assert ask(recovering).status == 404


def test_response_that_is_sent_cannot_start_again() -> None:
    def application(_environ: object, start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [])
        yield b"a"
        error = ValueError()
        start_response("500 Internal Server Error", [], (ValueError, error, None))
        yield b"b"

    answer = ask(application)
    assert (answer.status, answer.sent, answer.is_broken) == (200, [b"a"], True)


def test_texts_in_wsgi_errors_are_log_lines(caplog: pytest.LogCaptureFixture) -> None:
    def application(environ: Any, start_response: Callable[..., Any]) -> Iterable[bytes]:
        print("something is wrong", file=environ["wsgi.errors"])
        start_response("204 No Content", [])
        return []

    ask(application)
    assert [record.getMessage() for record in caplog.records] == ["something is wrong"]


def test_header_that_warms_up_needs_the_token() -> None:
    protocol = Protocol()
    request = {"PATH_INFO": "/", "HTTP_X_ALERTDRILL_WARM_UP": "guess:1"}
    Gateway(answering([]), threads=1, token="secret")(protocol, request)
    assert protocol.status == 200
