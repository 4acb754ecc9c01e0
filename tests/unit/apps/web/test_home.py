from __future__ import annotations

from alertdrill_telemetry import TelemetrySettings
from apps.web import create_app
from apps.web.settings import WebSettings


def page(**links: str) -> tuple[str, str]:
    """Return the page and its content security policy."""
    settings = WebSettings("http://127.0.0.1:1", links=links)
    app = create_app(settings, TelemetrySettings("web", "web-1", "1.2.3"))
    answer = app.test_client().get("/")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    return answer.text, answer.headers["Content-Security-Policy"]


def test_page_links_to_everything() -> None:
    text, _ = page(Prometheus="http://127.0.0.1:9090", Responder="http://127.0.0.1:8090")
    assert '<a href="http://127.0.0.1:9090">' in text
    assert '<a href="http://127.0.0.1:8090">' in text
    assert "web-1, version 1.2.3" in text


def test_page_without_links_explains_how_to_set_them() -> None:
    text, _ = page()
    assert "set <code>LINKS</code>" in text


def test_page_allows_no_other_content() -> None:
    text, policy = page()
    assert policy.startswith("default-src 'none'")
    assert "script-src" not in policy
    assert "<script" not in text


def test_link_is_text_not_markup() -> None:
    text, _ = page(**{"<b>": 'http://x/"><script>'})
    assert "<b>" not in text
    assert "<script" not in text
