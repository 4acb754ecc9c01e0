"""Tests of the blog; each has a database of its own."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from blog import create_app, db  # type: ignore[import-not-found]
from flask import Flask
from flask.testing import FlaskClient


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Flask:
    monkeypatch.delenv("BLOG_SECRET_KEY_FILE", raising=False)
    monkeypatch.setenv("BLOG_SECRET_KEY", "for tests")
    monkeypatch.setenv("BLOG_DATABASE", str(tmp_path / "data/blog.sqlite"))
    app: Flask = create_app()
    init_db(app)
    return app


def init_db(app: Flask) -> None:
    assert app.test_cli_runner().invoke(args=["init-db"]).exit_code == 0


def log_in(app: Flask, username: str) -> FlaskClient:
    """Register a user and return a client with the user's session."""
    client = app.test_client()
    credentials = {"username": username, "password": f"password of {username}"}
    assert client.post("/auth/register", data=credentials).location == "/auth/login"
    assert client.post("/auth/login", data=credentials).location == "/"
    return client


def write(client: FlaskClient, title: str, path: str = "/create") -> None:
    assert client.post(path, data={"title": title, "body": "Some text."}).location == "/"


@pytest.mark.parametrize(
    ("path", "message"), [("register", "Ann is taken"), ("login", "password is wrong")]
)
def test_credentials_are_refused(app: Flask, path: str, message: str) -> None:
    log_in(app, "ann")
    data = {"username": "Ann", "password": "another"}
    assert message in app.test_client().post(f"/auth/{path}", data=data).text


def test_log_out(app: Flask) -> None:
    client = log_in(app, "ann")
    assert "Log out ann" in client.get("/").text
    client.post("/auth/logout")
    assert "Log out" not in client.get("/").text
    assert client.get("/create").location == "/auth/login"


def test_author_writes_edits_and_deletes_a_post(app: Flask) -> None:
    client = log_in(app, "ann")
    write(client, "A <first> post")
    page = app.test_client().get("/").text
    assert "A &lt;first&gt; post" in page
    assert "</time>" in page
    write(client, "A better title", "/1/update")
    page = client.get("/").text
    assert "A better title" in page
    assert "first" not in page
    client.post("/1/delete")
    assert "There are no posts yet." in client.get("/").text


def test_other_user_may_not_change_a_post(app: Flask) -> None:
    write(log_in(app, "ann"), "A post of Ann")
    client = log_in(app, "bob")
    assert client.post("/1/update", data={"title": "Mine", "body": ""}).status_code == 403
    assert client.post("/1/delete").status_code == 403
    assert client.get("/2/update").status_code == 404
    assert "A post of Ann" in client.get("/").text


def test_post_survives_a_new_application(app: Flask) -> None:
    write(log_in(app, "ann"), "A lasting post")
    new = create_app()
    init_db(new)
    assert "A lasting post" in new.test_client().get("/").text


def test_tables_are_created_at_the_same_time(
    app: Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def create_tables(app: Flask) -> None:
        with app.app_context():
            db.create_tables()

    monkeypatch.setenv("BLOG_DATABASE", str(tmp_path / "new/blog.sqlite"))
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(create_tables, [create_app() for _ in range(8)])) == [None] * 8


def test_links_below_a_prefix(app: Flask) -> None:
    page = app.test_client().get("/", headers={"X-Forwarded-Prefix": "/blog"}).text
    assert 'href="/blog/auth/login"' in page
    assert 'href="/blog/static/style.css"' in page


def test_secret_key_comes_from_a_file_or_a_variable(
    app: Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert app.secret_key == "for tests"
    (tmp_path / "key").write_text("from a file\n")
    monkeypatch.setenv("BLOG_SECRET_KEY_FILE", str(tmp_path / "key"))
    assert create_app().secret_key == "from a file"
    monkeypatch.delenv("BLOG_SECRET_KEY_FILE")
    monkeypatch.delenv("BLOG_SECRET_KEY")
    with pytest.raises(RuntimeError, match="Set BLOG_SECRET_KEY_FILE"):
        create_app()
