"""The HTML pages: notifications, healing, runbooks."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from flask import Blueprint, Response, render_template
from markupsafe import Markup

from apps.telemetry.problems import Problem

from . import app_state
from .healing import actions
from .notifications import Filters
from .validation import format_rfc3339, parse_rfc3339, utc_now

# A screen or two; the API has the rest.
MAX_ROWS = 100

_style = (Path(__file__).parent / "templates" / "style.css").read_text(encoding="utf-8")
_style_hash = base64.b64encode(hashlib.sha256(_style.encode()).digest()).decode()
# No script and nothing from another origin; the one style is allowed by its hash.
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_style_hash}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

blueprint = Blueprint("pages", __name__)


@blueprint.after_request
def protect(response: Response) -> Response:
    """Add the security headers of a static page."""
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@blueprint.get("/")
def home() -> str:
    """Show the state of Watchdog and links to every page."""
    current = app_state.current()
    status = current.watchdog.check(utc_now())
    last_seen = format_rfc3339(status.last_seen) if status.last_seen else None
    names = current.runbooks.names()
    return _render("home.html", missing=status.missing, last_seen=last_seen, runbooks=names)


@blueprint.get("/notification-history")
def notification_history() -> str:
    """Show the last notifications."""
    current = app_state.current()
    notifications = current.notifications.find(Filters(limit=MAX_ROWS))
    return _render(
        "notification_history.html",
        notifications=notifications,
        runbooks=current.runbooks.names(),
    )


@blueprint.get("/healing")
def healing() -> str:
    """Show the state of healing, and the last actions and decisions."""
    current = app_state.current()
    store = current.healing.stores.actions
    return _render(
        "healing.html",
        state=actions.status(),
        actions=store.find(MAX_ROWS),
        decisions=store.decisions(MAX_ROWS),
        runbooks=current.runbooks.names(),
    )


@blueprint.app_template_filter()
def seconds_after(later: str, earlier: str) -> str:
    """Return the time from `earlier` to `later`, both RFC 3339."""
    seconds = (parse_rfc3339(later) - parse_rfc3339(earlier)).total_seconds()
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


@blueprint.get("/runbooks/")
def runbooks() -> str:
    """List the runbooks."""
    return _render("runbooks.html", runbooks=app_state.current().runbooks.names())


@blueprint.get("/runbooks/<alert>")
def runbook(alert: str) -> str:
    """Show the runbook of an alert."""
    page = app_state.current().runbooks.page(alert)
    if page is None:
        raise Problem(404, f"No runbook for {alert}: see the list at /runbooks/.")
    return _render("runbook.html", alert=alert, page=Markup(page))  # noqa: S704 - html is disabled


def _render(template: str, **values: object) -> str:
    return render_template(template, style=Markup(_style), **values)  # noqa: S704 - our own file
