from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from alerting.responder.api import AppState
from alerting.responder.pages import runbook_names

Build = Callable[..., dict[str, Any]]


@pytest.mark.parametrize(
    "path", ["/", "/notification-history", "/healing", "/runbooks/", "/runbooks/Watchdog"]
)
def test_page_has_no_scripts_and_no_resources(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert not re.search("<script|src=|<link|style=|url\\(|@import", answer.text)


@pytest.mark.parametrize("alert", ["Unknown", "..%2fresponder", "readme", "Watchdog.md"])
def test_unknown_runbook_gets_404(client: FlaskClient, alert: str) -> None:
    answer = client.get(f"/runbooks/{alert}")
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


def test_notifications_page_shows_states_as_text(client: FlaskClient, document: Build) -> None:
    client.post("/webhook", json=document())
    client.post("/webhook", json=document(status="resolved"))
    page = client.get("/notification-history").text
    assert "▲ firing" in page
    assert "✓ resolved" in page
    assert 'href="/runbooks/InstanceDown"' in page


def test_label_cannot_carry_markup(client: FlaskClient, document: Build) -> None:
    client.post("/webhook", json=document("<script>x</script>", service="<b>"))
    page = client.get("/notification-history").text
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert "<b>&lt;" not in page


def test_home_page_shows_watchdog(client: FlaskClient, document: Build) -> None:
    assert "None received yet" in client.get("/").text
    client.post("/webhook", json=document("Watchdog"))
    page = client.get("/").text
    assert "✓ on time" in page
    assert "Last received" in page


def test_names_are_the_alert_files(tmp_path: Path) -> None:
    for name in ("Watchdog.md", "InstanceDown.md", "readme.md", "Note.txt", "a b.md"):
        (tmp_path / name).write_text("# x")
    assert runbook_names(tmp_path) == ["InstanceDown", "Watchdog"]
    assert runbook_names(tmp_path / "missing") == []


def test_markdown_cannot_carry_scripts(
    client: FlaskClient, app: Flask, responder: AppState, tmp_path: Path
) -> None:
    (tmp_path / "Bad.md").write_text("<script>x</script> [y](javascript:z)\n\n|a|\n|-|\n|b|\n")
    settings = replace(responder.settings, runbooks_dir=tmp_path)
    app.extensions["responder"] = replace(responder, settings=settings)
    page = client.get("/runbooks/Bad").text.partition("<main>")[2]
    assert "<script" not in page
    assert "href" not in page
    assert "<table>" in page
