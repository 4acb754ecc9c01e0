"""An application-wide login redirect, as Flask-Login and its like do it."""

from __future__ import annotations

from flask import Flask, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from tests.foreign.cases import Application, Instrument, case, form, get

SIGNED = r"Set-Cookie: session=([^;]+);"


def create(instrument: Instrument) -> Flask:
    app = Flask(__name__)
    app.secret_key = "for tests"

    @app.before_request
    def require_login() -> ResponseReturnValue | None:
        if "user" in session or request.endpoint == "login":
            return None
        return redirect(url_for("login", next=request.full_path))

    @app.route("/login", methods=["GET", "POST"])
    def login() -> ResponseReturnValue:
        if request.method == "POST":
            session["user"] = request.form["user"]
            return redirect(request.args.get("next", "/"))
        return "<form method=post><input name=user></form>"

    @app.get("/")
    def home() -> ResponseReturnValue:
        return f"hello {session['user']}"

    return instrument(app)


APPLICATION = Application(
    create,
    [
        get("redirected", "/", status=302),
        get("redirected-from-a-missing-page", "/missing?a=1", status=302),
        get("login-page", "/login"),
        form("login", "/login?next=/", "user=ann", status=302, random={"session": SIGNED}),
        get("home", "/", headers=[("Cookie", "session={{session}}")]),
        get("missing", "/missing", status=404, headers=[("Cookie", "session={{session}}")]),
        case("options", "OPTIONS", "/", status=302),
    ],
)
