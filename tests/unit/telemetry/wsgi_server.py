"""The part of a WSGI server (PEP 3333) that decides what a client gets."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.test import EnvironBuilder

Headers = list[tuple[str, str]]


@dataclass
class Answer:
    """What the client got: without `complete`, the connection broke off."""

    status: int = 0
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    complete: bool = False

    def header(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]


def serve(
    app: Callable[..., Iterable[bytes]],
    path: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    parts: int | None = None,
    **environ: Any,
) -> Answer:
    """Return what a client gets that reads at most `parts` of the body and then goes away.

    Like gunicorn, the server answers 500 for an application that fails before the first part, and
    breaks the connection off after it.
    """
    base = {"SERVER_SOFTWARE": "test", "REMOTE_ADDR": "127.0.0.1", **environ}
    sent_headers = list((headers or {}).items())
    builder = EnvironBuilder(path, method=method, headers=sent_headers, environ_base=base)
    answer = Answer()

    def start_response(status: str, sent: Headers, exc_info: Any = None) -> Callable[[bytes], None]:
        if exc_info and answer.body:
            raise exc_info[1]
        answer.status, answer.headers = int(status[:3]), sent
        return write

    def write(data: bytes) -> None:
        if not isinstance(data, bytes):
            raise TypeError(f"{data!r} is not bytes")
        answer.body += data

    body: Iterable[bytes] = ()
    started = False
    try:
        body = app(builder.get_environ() | environ, start_response)
        for number, part in enumerate(body):
            started = True
            write(part)
            if number + 1 == parts:
                return answer
        answer.complete = True
    except Exception:  # noqa: BLE001 - as a server does
        if not started:
            return Answer(500, [], b"Internal Server Error", complete=True)
    finally:
        with contextlib.suppress(Exception):  # the client has its answer
            getattr(body, "close", list)()
    return answer
