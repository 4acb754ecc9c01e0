"""The framework's own error pages: HTML, with its headers; no handler is registered."""

from __future__ import annotations

from flask import Flask, Response, abort, make_response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, Unauthorized
from werkzeug.routing import RequestRedirect

from tests.foreign.cases import Application, Instrument, case, form, get, post, post_json


class TeapotError(HTTPException):
    code = 418
    description = "<p>I am a teapot.</p>"


class PaymentRequiredError(HTTPException):
    code = 402

    def get_headers(self, *_: object) -> list[tuple[str, str]]:
        return [("Content-Type", "text/plain"), ("X-Price", "3")]

    def get_body(self, *_: object) -> str:
        return "pay first"


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def create(instrument: Instrument) -> Flask:
    app = Flask(__name__)
    _add_aborts(app)
    _add_failures(app)
    return instrument(app)


def _add_aborts(app: Flask) -> None:
    @app.get("/abort/<int:code>")
    def aborts(code: int) -> ResponseReturnValue:
        abort(code)

    @app.get("/described")
    def described() -> ResponseReturnValue:
        abort(400, "<b>your</b> fault")

    @app.get("/response")
    def with_response() -> ResponseReturnValue:
        abort(Response("a whole response", 503, {"Retry-After": "7"}))

    @app.get("/unauthorized")
    def unauthorized() -> ResponseReturnValue:
        raise Unauthorized(response=make_response("who?", 401, {"WWW-Authenticate": "Basic"}))

    @app.get("/teapot")
    def teapot() -> ResponseReturnValue:
        raise TeapotError

    @app.get("/payment")
    def payment() -> ResponseReturnValue:
        raise PaymentRequiredError

    @app.get("/moved")
    def moved() -> ResponseReturnValue:
        raise RequestRedirect("http://localhost/elsewhere")

    @app.get("/odd/<int:code>")
    def odd_status(code: int) -> ResponseReturnValue:
        return Response("a status of our own", f"{code} Enhance Your Calm")


def _add_failures(app: Flask) -> None:
    @app.get("/fails")
    def fails() -> ResponseReturnValue:
        raise ZeroDivisionError("a bug")

    @app.get("/unprintable")
    def unprintable() -> ResponseReturnValue:
        raise UnprintableError

    @app.get("/none")
    def none() -> ResponseReturnValue:
        return None  # type: ignore[return-value] # a view that forgets its answer

    @app.post("/json")
    def takes_json() -> ResponseReturnValue:
        return {"got": request.get_json()}

    @app.post("/key")
    def takes_key() -> ResponseReturnValue:
        return request.form["missing"]


APPLICATION = Application(
    create,
    [
        *(
            get(f"abort-{code}", f"/abort/{code}", status=code)
            for code in (400, 401, 403, 405, 406)
        ),
        *(
            get(f"abort-{code}", f"/abort/{code}", status=code)
            for code in (409, 410, 411, 412, 413)
        ),
        *(
            get(f"abort-{code}", f"/abort/{code}", status=code)
            for code in (415, 416, 418, 422, 429)
        ),
        *(
            get(f"abort-{code}", f"/abort/{code}", status=code)
            for code in (451, 500, 502, 503, 504)
        ),
        get("description", "/described", status=400),
        get("response-in-an-exception", "/response", status=503),
        get("response-in-unauthorized", "/unauthorized", status=401),
        get("exception-class-of-its-own", "/teapot", status=418),
        get("exception-with-headers-and-body", "/payment", status=402),
        get("redirect-as-an-exception", "/moved", status=308),
        get("status-without-a-name", "/odd/420", status=420),
        get("status-of-its-own", "/odd/799", status=799),
        get("exception", "/fails", status=500),
        get("exception-without-text", "/unprintable", status=500),
        get("no-answer", "/none", status=500),
        get("not-found", "/missing", status=404),
        post_json("not-allowed", "/fails", "{}", status=405),
        post_json("json", "/json", '{"a": [1]}'),
        post_json("invalid-json", "/json", "{", status=400),
        post("no-json", "/json", b"a", "text/plain", status=415),
        form("missing-key", "/key", "a=1", status=400),
        get("bad-host", "/fails", status=500, headers=[("Host", "a b")]),
        case("head-of-an-error", "HEAD", "/described", status=400),
        case("head-of-an-exception", "HEAD", "/fails", status=500),
    ],
)
