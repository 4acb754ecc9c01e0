"""A redirect to https, with HSTS, as Flask-Talisman does it."""

from __future__ import annotations

from flask import Flask, Response, redirect, request
from flask.typing import ResponseReturnValue

from tests.foreign.cases import Application, Instrument, case, get


def create(instrument: Instrument) -> Flask:
    app = Flask(__name__)

    @app.before_request
    def to_https() -> ResponseReturnValue | None:
        if request.is_secure or request.headers.get("X-Internal") == "1":
            return None
        return redirect(request.url.replace("http://", "https://", 1), code=308)

    @app.after_request
    def hsts(response: Response) -> Response:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
        response.headers["Content-Security-Policy"] = "default-src 'self'"
        return response

    @app.get("/")
    def home() -> ResponseReturnValue:
        return request.scheme

    return instrument(app)


# gunicorn believes X-Forwarded-Proto from this machine.
APPLICATION = Application(
    create,
    [
        get("redirected", "/?a=1", status=308),
        get("secure", "/", headers=[("X-Forwarded-Proto", "https")]),
        get("internal", "/", headers=[("X-Internal", "1")]),
        get("missing", "/x", status=404, headers=[("X-Internal", "1")]),
        case("head", "HEAD", "/", status=308),
        case("post", "POST", "/", b"a=1", status=308),
    ],
)
