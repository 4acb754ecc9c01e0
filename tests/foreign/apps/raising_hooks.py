"""Hooks that raise: before, after, in teardowns and in error handlers, each for its own path."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Flask, Response, g, request, stream_with_context
from flask.typing import ResponseReturnValue

from tests.foreign.cases import Application, Instrument, get


class HandledError(Exception):
    pass


def raise_at(path: str) -> None:
    if request.path == path:
        raise RuntimeError(f"raised at {path}")


def create(instrument: Instrument) -> Flask:
    app = Flask(__name__)
    _add_hooks(app)
    _add_views(app)
    return instrument(app)


def _add_hooks(app: Flask) -> None:
    @app.before_request
    def before() -> None:
        g.path = request.path
        raise_at("/before")

    @app.after_request
    def after(response: Response) -> Response:
        raise_at("/after")
        raise_at("/view-and-after")
        response.headers["X-After"] = "yes"
        return response

    @app.teardown_request
    def teardown_request(_error: BaseException | None) -> None:
        raise_at("/teardown-request")
        raise_at("/teardown-of-a-stream")

    @app.teardown_appcontext
    def teardown_appcontext(_error: BaseException | None) -> None:
        if g.get("path") in ("/teardown-appcontext", "/view-and-teardown"):
            raise RuntimeError("raised in the teardown of the application context")

    @app.errorhandler(HandledError)
    def handler(_error: HandledError) -> ResponseReturnValue:
        raise KeyError("raised in the error handler")


def _add_views(app: Flask) -> None:
    for number, path in enumerate(
        ("/fine", "/before", "/after", "/teardown-request", "/teardown-appcontext")
    ):
        app.add_url_rule(path, f"view{number}", lambda: "<p>fine</p>")

    @app.get("/handler")
    def handled() -> ResponseReturnValue:
        raise HandledError

    @app.get("/view-and-after")
    @app.get("/view-and-teardown")
    def fails() -> ResponseReturnValue:
        raise ZeroDivisionError("a bug")

    @app.get("/teardown-of-a-stream")
    def stream() -> ResponseReturnValue:
        def chunks() -> Iterator[str]:
            yield "one "
            yield "two"

        return Response(stream_with_context(chunks()))

    @app.get("/call-on-close")
    def call_on_close() -> ResponseReturnValue:
        response = Response("closes badly")

        @response.call_on_close
        def fail() -> None:
            raise RuntimeError("raised when the response was closed")

        return response

    @app.get("/after-this")
    def after_this() -> ResponseReturnValue:
        from flask import after_this_request

        @after_this_request
        def fail(_response: Response) -> Response:
            raise RuntimeError("raised after this request")

        return "fine"


APPLICATION = Application(
    create,
    [
        get("fine", "/fine"),
        get("before-request", "/before", status=500),
        get("after-request", "/after", status=500),
        get("teardown-request", "/teardown-request", status=500),
        get("teardown-appcontext", "/teardown-appcontext", status=500),
        get("error-handler", "/handler", status=500),
        get("view-and-after-request", "/view-and-after", status=500),
        get("view-and-teardown", "/view-and-teardown", status=500),
        get("teardown-of-a-stream", "/teardown-of-a-stream", status=500),
        get("call-on-close", "/call-on-close"),
        get("after-this-request", "/after-this", status=500),
        *(get(f"teardown-again-{number}", "/teardown-request", status=500) for number in range(5)),
        get("fine-at-the-end", "/fine"),
    ],
)
