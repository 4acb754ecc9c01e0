"""A middleware of the application that serves everything below a prefix."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask, redirect, request, url_for
from flask.typing import ResponseReturnValue

from tests.foreign.cases import Application, Instrument, case, get

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PREFIX = "/shop"


class PrefixMiddleware:
    """Moves a prefix from the path to SCRIPT_NAME, and answers 404 to other paths."""

    def __init__(self, serve: WSGIApplication) -> None:
        self._serve = serve

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path != PREFIX and not path.startswith(f"{PREFIX}/"):
            start_response(
                "404 Not Found", [("Content-Type", "text/plain"), ("Content-Length", "17")]
            )
            return [b"nothing but /shop"]
        environ["PATH_INFO"] = path[len(PREFIX) :]
        environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + PREFIX
        return self._serve(environ, start_response)


def create(instrument: Instrument) -> Flask:
    app = Flask(__name__)
    app.wsgi_app = PrefixMiddleware(app.wsgi_app)  # type: ignore[method-assign]

    @app.get("/")
    def home() -> ResponseReturnValue:
        return {
            "path": request.path,
            "root": request.script_root,
            "link": url_for("home", _external=True),
        }

    @app.get("/old")
    def old() -> ResponseReturnValue:
        return redirect(url_for("home"))

    return instrument(app)


APPLICATION = Application(
    create,
    [
        get("home", "/shop/"),
        get("without-slash", "/shop", status=308),
        get("outside", "/", status=404),
        get("outside-too", "/shopping", status=404),
        get("metrics-below-the-prefix", "/shop/metrics", status=404),
        get("probe-below-the-prefix", "/shop/healthz", status=404),
        get("redirect", "/shop/old", status=302),
        get("missing", "/shop/x", status=404),
        case("head", "HEAD", "/shop/"),
        get(
            "prefix-of-a-proxy",
            "/front/shop/",
            headers=[("SCRIPT_NAME", "/front")],
            trusts_script_name=True,
        ),
        get(
            "metrics-behind-a-proxy",
            "/front/shop/metrics",
            status=404,
            headers=[("SCRIPT_NAME", "/front")],
            trusts_script_name=True,
        ),
        get("metrics-of-a-client", "/x/metrics", status=404, headers=[("SCRIPT_NAME", "/x")]),
    ],
)
