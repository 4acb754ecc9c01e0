"""The posts: everyone reads them, and their author edits and deletes them."""

import sqlite3
from datetime import UTC, datetime

import humanize  # type: ignore[import-not-found]
from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from .auth import login_required
from .db import get_db

bp = Blueprint("posts", __name__)


@bp.app_template_filter()
def ago(created: str) -> str:
    """Say how long ago a time of the database was; SQLite writes it in UTC."""
    age = datetime.now(UTC) - datetime.fromisoformat(created).replace(tzinfo=UTC)
    return str(humanize.naturaltime(age))


@bp.get("/")
def index() -> ResponseReturnValue:
    query = (
        "SELECT post.id, created, title, body, author_id, username"
        " FROM post JOIN user ON user.id = author_id ORDER BY post.id DESC LIMIT 50"
    )
    return render_template("index.html", posts=get_db().execute(query).fetchall())


@bp.route("/create", methods=["GET", "POST"])
@login_required
def create() -> ResponseReturnValue:
    query = "INSERT INTO post (title, body, author_id) VALUES (?, ?, ?)"
    return edit(None, query, g.user["id"])


@bp.route("/<int:post_id>/update", methods=["GET", "POST"])
@login_required
def update(post_id: int) -> ResponseReturnValue:
    query = "UPDATE post SET title = ?, body = ? WHERE id = ?"
    return edit(get_own_post(post_id), query, post_id)


@bp.post("/<int:post_id>/delete")
@login_required
def delete(post_id: int) -> ResponseReturnValue:
    get_own_post(post_id)
    with get_db() as db:
        db.execute("DELETE FROM post WHERE id = ?", (post_id,))
    return redirect(url_for("posts.index"))


def edit(post: sqlite3.Row | None, query: str, row_id: int) -> ResponseReturnValue:
    """Show the form of a post, or save it with a query that takes title, body and an id."""
    if request.method == "POST":
        title, body = request.form["title"].strip(), request.form["body"].strip()
        if title:
            with get_db() as db:
                db.execute(query, (title, body, row_id))
            return redirect(url_for("posts.index"))
        flash("Enter a title.")
    return render_template("edit.html", post=post)


def get_own_post(post_id: int) -> sqlite3.Row:
    """Return a post of the user who is logged in, or end the request with 404 or 403."""
    query = "SELECT id, title, body, author_id FROM post WHERE id = ?"
    post: sqlite3.Row | None = get_db().execute(query, (post_id,)).fetchone()
    if post is None:
        abort(404, "This post does not exist.")
    if post["author_id"] != g.user["id"]:
        abort(403, "Only the author of a post may change it.")
    return post
