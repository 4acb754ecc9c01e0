"""An application whose routes belong to hosts: a rule without a host matches none."""

from __future__ import annotations

from flask import Flask, request, url_for
from flask.typing import ResponseReturnValue

from tests.foreign.cases import Application, Instrument, get


def create(instrument: Instrument) -> Flask:
    app = Flask(__name__, host_matching=True, static_host="static.example", static_folder="files")

    @app.route("/", host="shop.example")
    def shop() -> ResponseReturnValue:
        return {"shop": request.host, "user": url_for("user", name="ann")}

    @app.route("/", host="<name>.users.example")
    def user(name: str) -> ResponseReturnValue:
        return {"user": name}

    return instrument(app)


APPLICATION = Application(
    create,
    [
        get("shop", "/", headers=[("Host", "shop.example")]),
        get("user", "/", headers=[("Host", "ann.users.example")]),
        get("static", "/files/page.html", headers=[("Host", "static.example")]),
        get(
            "static-of-another-host",
            "/files/page.html",
            status=404,
            headers=[("Host", "shop.example")],
        ),
        get("unknown-host", "/", status=404),
    ],
)
