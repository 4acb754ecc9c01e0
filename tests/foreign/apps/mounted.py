"""Other WSGI applications mounted inside of one with telemetry, with every liberty of WSGI."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask, request
from flask.typing import ResponseReturnValue
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from tests.foreign.cases import Application, Instrument, case, get, post

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

TEXT = [("Content-Type", "text/plain")]


def fail() -> None:
    raise LookupError("an error of the application")


def writes(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Use the callable that start_response returns, and the iterable after it."""
    write = start_response("200 OK", TEXT)
    write(b"written, ")
    return [b"then ", b"returned"]


def starts_late(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
    """Call start_response when the first chunk is asked for."""
    start_response("201 Created", TEXT)
    yield b"late"


def starts_twice(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Replace an answer that has not begun by an error."""
    start_response("200 OK", [*TEXT, ("X-First", "1")])
    try:
        fail()
    except LookupError:
        start_response("503 Service Unavailable", [*TEXT, ("X-Second", "2")], sys.exc_info())
    return [b"second thoughts"]


def fails_late(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
    """Try to replace an answer that has begun: the server ends it."""
    start_response("200 OK", TEXT)
    yield b"begun "
    try:
        fail()
    except LookupError:
        start_response("500 Internal Server Error", TEXT, sys.exc_info())
    yield b"never sent"


def sends_file(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Let the server send a file."""
    file = Path(__file__).with_name("files") / "story.txt"
    start_response("200 OK", [*TEXT, ("Content-Length", str(file.stat().st_size))])
    wrapper = environ.get("wsgi.file_wrapper")
    stream = file.open("rb")
    return wrapper(stream, 4096) if wrapper else iter(lambda: stream.read(4096), b"")


class ClosesBadly:
    """An iterable whose `close` raises."""

    def __iter__(self) -> Iterator[bytes]:
        return iter([b"closes ", b"badly"])

    def close(self) -> None:
        raise OSError("raised in close")


def closes_badly(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", TEXT)
    return ClosesBadly()


def raises(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    raise RuntimeError("without an answer")


def echoes(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer with the body, line by line, without a length."""
    start_response("200 OK", TEXT)
    return iter(environ["wsgi.input"].readline, b"")


def repeats_headers(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    cookies = [("set-cookie", "b=2"), ("Set-Cookie", "a=1"), ("SET-COOKIE", "b=3")]
    start_response("200 Fine", [("x-Lower", "1"), *cookies, ("X-Empty", "")])
    return [b""]


def empty(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("204 No Content", [])
    return []


MOUNTS = (
    *(writes, starts_late, starts_twice, fails_late, sends_file, closes_badly, raises),
    *(echoes, repeats_headers, empty),
)


class RewritingFlask(Flask):
    """An application that overrides the framework's own entry points."""

    def wsgi_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["HTTP_X_REWRITTEN"] = "yes"
        return super().wsgi_app(environ, start_response)

    def full_dispatch_request(self) -> object:  # type: ignore[override]
        response = super().full_dispatch_request()
        response.headers["X-Dispatched"] = "yes"
        return response


def inner_flask() -> Flask:
    """Return another Flask application, which is not instrumented itself."""
    app = Flask("inner")

    @app.get("/")
    def home() -> ResponseReturnValue:
        return {"inner": request.script_root}

    @app.get("/fails")
    def fails() -> ResponseReturnValue:
        raise ZeroDivisionError

    return app


def create(instrument: Instrument) -> Flask:
    app = RewritingFlask(__name__)

    @app.get("/")
    def home() -> ResponseReturnValue:
        return {"rewritten": request.headers.get("X-Rewritten")}

    mounts = {f"/{mount.__name__}": mount for mount in MOUNTS}
    app.wsgi_app = DispatcherMiddleware(  # type: ignore[method-assign]
        app.wsgi_app, {**mounts, "/flask": inner_flask()}
    )
    return instrument(app)


APPLICATION = Application(
    create,
    [
        get("home", "/"),
        get("missing", "/x", status=404),
        get("writes", "/writes"),
        get("starts-late", "/starts_late", status=201),
        get("starts-twice", "/starts_twice", status=503),
        get("fails-late", "/fails_late", complete=False),
        get("sends-file", "/sends_file"),
        case("sends-head-of-a-file", "HEAD", "/sends_file"),
        get("closes-badly", "/closes_badly"),
        get("raises", "/raises", status=500),
        post("echoes", "/echoes", b"one\ntwo\nthree", "text/plain"),
        get("repeats-headers", "/repeats_headers"),
        get("empty", "/empty", status=204),
        case("custom-method", "BREW", "/writes"),
        get("flask", "/flask/"),
        get("flask-missing", "/flask/x", status=404),
        get("flask-fails", "/flask/fails", status=500),
        get("home-at-the-end", "/"),
    ],
)
