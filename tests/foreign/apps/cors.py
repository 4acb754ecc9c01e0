"""CORS headers of an `after_request` hook, also on errors and preflights; and of Flask-Cors."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, request
from flask.typing import ResponseReturnValue

from tests.foreign.cases import Application, Instrument, case, get

api = Blueprint("api", __name__, url_prefix="/api")


@api.route("/things", methods=["GET", "PUT"])
def things() -> ResponseReturnValue:
    return {"things": []}


def create(instrument: Instrument) -> Flask:
    from flask_cors import CORS

    app = Flask(__name__)

    @app.after_request
    def allow(response: Response) -> Response:
        if not request.path.startswith("/api"):
            response.headers.setdefault(
                "Access-Control-Allow-Origin", request.headers.get("Origin", "*")
            )
            response.headers.add("Vary", "Origin")
            response.headers["X-Hooks"] = response.headers.get("X-Hooks", "") + "first"
        return response

    @app.before_request
    def preflight() -> ResponseReturnValue | None:
        if request.method == "OPTIONS" and not request.path.startswith("/api"):
            return "", 204, {"Access-Control-Allow-Methods": "GET, PUT"}
        return None

    @app.get("/page")
    def page() -> ResponseReturnValue:
        return "page", {"Vary": "Cookie"}

    @app.get("/fails")
    def fails() -> ResponseReturnValue:
        raise ZeroDivisionError

    app.register_blueprint(api)
    CORS(app, resources={"/api/*": {"origins": ["https://a.example"]}}, supports_credentials=True)
    instrument(app)

    @app.after_request
    def second(response: Response) -> Response:
        response.headers["X-Hooks"] = response.headers.get("X-Hooks", "") + "second,"
        return response

    return app


A = [("Origin", "https://a.example")]
B = [("Origin", "https://b.example")]
PREFLIGHT = [
    ("Access-Control-Request-Method", "PUT"),
    ("Access-Control-Request-Headers", "X-Request-ID, X-Own"),
]
APPLICATION = Application(
    create,
    [
        get("no-origin", "/page"),
        get("origin", "/page", headers=A),
        get("error", "/fails", status=500, headers=A),
        get("not-found", "/missing", status=404, headers=A),
        case("preflight", "OPTIONS", "/page", status=204, headers=[*A, *PREFLIGHT]),
        case("preflight-of-a-missing-page", "OPTIONS", "/missing", status=204, headers=A),
        get("flask-cors", "/api/things", headers=A),
        get("flask-cors-refuses", "/api/things", headers=B),
        case("flask-cors-preflight", "OPTIONS", "/api/things", headers=[*A, *PREFLIGHT]),
        case("flask-cors-preflight-refuses", "OPTIONS", "/api/things", headers=[*B, *PREFLIGHT]),
    ],
)
