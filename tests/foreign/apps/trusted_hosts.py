"""TRUSTED_HOSTS, which is compared when routing starts; and SERVER_NAME."""

from __future__ import annotations

from flask import Flask, request, url_for
from flask.typing import ResponseReturnValue

from tests.foreign.cases import Application, Instrument, get


def create(instrument: Instrument) -> Flask:
    app = Flask(__name__)
    app.config.update(
        TRUSTED_HOSTS=["shop.example", ".trusted.example"], SERVER_NAME="shop.example"
    )

    @app.get("/")
    def home() -> ResponseReturnValue:
        return {"host": request.host, "link": url_for("home", _external=True)}

    return instrument(app)


APPLICATION = Application(
    create,
    [
        get("trusted", "/", headers=[("Host", "shop.example")]),
        get("trusted-with-a-port", "/", headers=[("Host", "shop.example:8080")]),
        get("trusted-below", "/", headers=[("Host", "a.trusted.example")]),
        get("not-trusted", "/", status=400, headers=[("Host", "evil.example")]),
        get("missing-and-not-trusted", "/x", status=400, headers=[("Host", "evil.example")]),
        get("missing", "/x", status=404, headers=[("Host", "shop.example")]),
        get("no-host", "/", status=400, headers=[("Host", "")]),
    ],
)
