"""Sessions in signed cookies, flashed messages and other cookies."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask, flash, get_flashed_messages, jsonify, make_response, request, session
from flask.typing import ResponseReturnValue

from tests.foreign.cases import Application, Instrument, form, get

# The signature has the time.
SIGNED = r"Set-Cookie: session=([^;]+);"


def create(instrument: Instrument) -> Flask:
    app = Flask(__name__)
    app.config.from_mapping(
        SECRET_KEY="for tests",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_NAME="session",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=timedelta(hours=1),
    )

    @app.post("/login")
    def login() -> ResponseReturnValue:
        session["user"] = request.form["user"]
        flash("welcome")
        return "logged in"

    @app.get("/me")
    def me() -> ResponseReturnValue:
        return jsonify(user=session.get("user"), messages=get_flashed_messages())

    @app.get("/keep")
    def keep() -> ResponseReturnValue:
        session.permanent = True
        return "kept"

    @app.get("/logout")
    def logout() -> ResponseReturnValue:
        session.clear()
        return "gone"

    @app.get("/unused")
    def unused() -> ResponseReturnValue:
        return "no session is read, so no Vary is sent"

    @app.get("/cookies")
    def cookies() -> ResponseReturnValue:
        response = make_response(jsonify(dict(request.cookies)))
        response.set_cookie("a", "1", max_age=60, secure=True, httponly=True)
        response.set_cookie("b", "ü;", path="/x", domain="example.org")
        response.delete_cookie("c")
        return response

    return instrument(app)


COOKIE = [("Cookie", "session={{session}}")]
APPLICATION = Application(
    create,
    [
        get("no-session", "/me"),
        form("login", "/login", "user=ann", random={"session": SIGNED}),
        get("session", "/me", headers=COOKIE, random={"session": SIGNED}),
        get("session-again", "/me", headers=COOKIE),
        get("forged", "/me", headers=[("Cookie", "session=eyJ1c2VyIjoiZXZlIn0.aaaa.bbbb")]),
        get("unused", "/unused", headers=COOKIE),
        get(
            "permanent",
            "/keep",
            headers=COOKIE,
            random={"session": SIGNED, "expires": r"Set-Cookie: session=[^;]+; Expires=([^;]+);"},
        ),
        get("logout", "/logout", headers=COOKIE),
        get(
            "cookies",
            "/cookies",
            headers=[("Cookie", "x=1; y=two; x=3; broken")],
            random={"expires of a": r"Set-Cookie: a=1; Expires=([^;]+);"},
        ),
    ],
)
