"""An application with one route for every path, as that of a single-page application."""

from __future__ import annotations

from flask import Flask, request
from flask.typing import ResponseReturnValue

from tests.foreign.cases import Application, Instrument, case, get


def create(instrument: Instrument) -> Flask:
    app = Flask(__name__, static_folder=None)

    @app.route("/", defaults={"path": ""}, methods=["GET", "POST", "PROPFIND"])
    @app.route("/<path:path>", methods=["GET", "POST", "PROPFIND"])
    def page(path: str) -> ResponseReturnValue:
        return {"path": path, "method": request.method}

    return instrument(app)


APPLICATION = Application(
    create,
    [
        get("home", "/"),
        get("any-path", "/a/b/c"),
        get("like-an-operation", "/metricsx"),
        get("below-an-operation-of-another-path", "/a/metrics"),
        get("double-slash", "/a//b"),
        case("post", "POST", "/x", b""),
        case("propfind", "PROPFIND", "/x"),
    ],
)
