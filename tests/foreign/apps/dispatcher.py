"""Two Flask applications side by side, each with telemetry: werkzeug's DispatcherMiddleware."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from flask import Flask, Response, current_app, g, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from tests.foreign.cases import Application, Instrument, case, get

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def small_app(name: str) -> Flask:
    app = Flask(name)

    @app.before_request
    def mark() -> None:
        g.mark = name

    @app.get("/")
    def home() -> ResponseReturnValue:
        return {
            "name": current_app.name,
            "g": sorted(g),
            "root": request.script_root,
            "self": url_for("home"),
        }

    @app.get("/stream")
    def stream() -> ResponseReturnValue:
        def text() -> Iterator[str]:
            yield name
            yield " streams"

        return Response(text())

    @app.get("/fails")
    def fails() -> ResponseReturnValue:
        raise ZeroDivisionError(name)

    return app


def create(instrument: Instrument) -> WSGIApplication:
    front, api = instrument(small_app("front")), instrument(small_app("api"))
    return DispatcherMiddleware(front, {"/api": api})


APPLICATION = Application(
    create,
    [
        get("front", "/"),
        get("api", "/api/"),
        get("api-without-slash", "/api", status=308),
        get("stream-of-front", "/stream"),
        get("stream-of-api", "/api/stream"),
        get("front-fails", "/fails", status=500),
        get("api-fails", "/api/fails", status=500),
        get("missing-in-front", "/x", status=404),
        get("missing-in-api", "/api/x", status=404),
        case("head", "HEAD", "/api/"),
        case("custom-method", "BREW", "/api/", status=405),
    ],
    has_several=True,
)
