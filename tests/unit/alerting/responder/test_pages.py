from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

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
