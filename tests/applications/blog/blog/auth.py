"""Accounts: register, log in, log out."""

import sqlite3
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from flask import Blueprint, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.security import check_password_hash, generate_password_hash

from .db import get_db

P = ParamSpec("P")

bp = Blueprint("auth", __name__, url_prefix="/auth")


@bp.before_app_request
def load_user() -> None:
    """Set `g.user` to the user who is logged in, or to None."""
    g.user = None
    if "user_id" in session:
        query = "SELECT id, username FROM user WHERE id = ?"
        g.user = get_db().execute(query, (session["user_id"],)).fetchone()


def login_required(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """Send a visitor who is not logged in to the login page."""

    @wraps(view)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        if g.user is None:
            return redirect(url_for("auth.login"))
        return view(*args, **kwargs)

    return wrapped


@bp.route("/register", methods=["GET", "POST"])
def register() -> ResponseReturnValue:
    if request.method == "POST":
        username, password = request.form["username"].strip(), request.form["password"]
        query = "INSERT INTO user (username, password_hash) VALUES (?, ?)"
        if not username or not password:
            flash("Enter a username and a password.")
        else:
            try:
                with get_db() as db:
                    db.execute(query, (username, generate_password_hash(password)))
            except sqlite3.IntegrityError:
                flash(f"The username {username} is taken. Choose another one.")
            else:
                return redirect(url_for("auth.login"))
    return render_template("credentials.html", title="Register", autocomplete="new-password")


@bp.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    if request.method == "POST":
        username, password = request.form["username"].strip(), request.form["password"]
        query = "SELECT id, password_hash FROM user WHERE username = ?"
        user = get_db().execute(query, (username,)).fetchone()
        if user is not None and check_password_hash(user["password_hash"], password):
            session.clear()
            session["user_id"] = user["id"]
            return redirect(url_for("posts.index"))
        flash("The username or the password is wrong.")
    return render_template("credentials.html", title="Log in", autocomplete="current-password")


@bp.post("/logout")
def logout() -> ResponseReturnValue:
    session.clear()
    return redirect(url_for("posts.index"))
