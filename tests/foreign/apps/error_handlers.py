"""Error handlers of an application and of a blueprint, for classes, for codes and for all."""

from __future__ import annotations

from flask import Blueprint, Flask, abort, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, NotFound

from tests.foreign.cases import Application, Instrument, case, get, post_json


class OutOfStockError(Exception):
    pass


admin = Blueprint("admin", __name__, url_prefix="/admin")


@admin.errorhandler(Exception)
def admin_failed(error: Exception) -> ResponseReturnValue:
    if isinstance(error, HTTPException):
        return error
    return f"admin: {type(error).__name__}", 502


@admin.get("/fails")
def admin_fails() -> ResponseReturnValue:
    raise LookupError("admin")


@admin.get("/aborts")
def admin_aborts() -> ResponseReturnValue:
    abort(429)


def create(instrument: Instrument) -> Flask:
    app = Flask(__name__)
    app.register_blueprint(admin)

    @app.errorhandler(404)
    def not_found(error: NotFound) -> ResponseReturnValue:
        return f"<title>Oh no</title> {request.path}: {error.description}", 404

    @app.errorhandler(OutOfStockError)
    def out_of_stock(error: OutOfStockError) -> ResponseReturnValue:
        return {"error": str(error)}, 409

    @app.errorhandler(500)
    def failed(error: Exception) -> ResponseReturnValue:
        original = getattr(error, "original_exception", None)
        return f"<h1>Sorry</h1> {type(original).__name__}", 500

    @app.get("/stock")
    def stock() -> ResponseReturnValue:
        raise OutOfStockError("nothing left")

    @app.get("/fails")
    def fails() -> ResponseReturnValue:
        raise ZeroDivisionError("a bug")

    @app.get("/aborts/<int:code>")
    def aborts(code: int) -> ResponseReturnValue:
        abort(code)

    instrument(app)

    # One more, as an extension adds it later: it is also asked for HTTP errors.
    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> ResponseReturnValue:
        return f"{error.code}, whatever it is", error.code or 500

    return app


APPLICATION = Application(
    create,
    [
        get("handler-of-a-code", "/missing", status=404),
        get("handler-of-a-class", "/stock", status=409),
        get("handler-of-500", "/fails", status=500),
        get("handler-of-500-for-an-abort", "/aborts/500", status=500),
        get("handler-of-all-http-errors", "/aborts/403", status=403),
        get("handler-of-a-blueprint", "/admin/fails", status=502),
        get("handler-of-a-blueprint-passes-on", "/admin/aborts", status=429),
        get("not-found-in-a-blueprint", "/admin/missing", status=404),
        post_json("not-allowed", "/stock", "{}", status=405),
        case("head-of-an-error", "HEAD", "/stock", status=409),
    ],
)
