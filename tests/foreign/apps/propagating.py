"""An application that lets exceptions through to the server: TESTING and PROPAGATE_EXCEPTIONS."""

from __future__ import annotations

from flask import Flask, abort
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequestKeyError

from tests.foreign.cases import Application, Instrument, case, get


def create(instrument: Instrument) -> Flask:
    app = Flask(__name__)
    app.config.update(TESTING=True, TRAP_HTTP_EXCEPTIONS=False, TRAP_BAD_REQUEST_ERRORS=True)

    @app.get("/fine")
    def fine() -> ResponseReturnValue:
        return "fine"

    @app.get("/fails")
    def fails() -> ResponseReturnValue:
        raise ZeroDivisionError("a bug")

    @app.get("/trapped")
    def trapped() -> ResponseReturnValue:
        raise BadRequestKeyError("name")

    @app.get("/aborts")
    def aborts() -> ResponseReturnValue:
        abort(403)

    return instrument(app)


APPLICATION = Application(
    create,
    [
        get("fine", "/fine"),
        get("fails", "/fails", status=500),
        get("trapped", "/trapped", status=500),
        get("aborts", "/aborts", status=403),
        get("missing", "/x", status=404),
        case("head", "HEAD", "/fails", status=500),
        get("fine-at-the-end", "/fine"),
    ],
)
