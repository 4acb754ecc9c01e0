"""The pages for people: runbooks, the journal, and where to find them."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from flask import Blueprint, Response, render_template
from markupsafe import Markup

from apps.telemetry.problems import Problem

from . import actions, state
from .filters import Filters
from .timestamps import format_rfc3339, parse_rfc3339, utc_now

# A screen or two; the rest is a query away.
JOURNAL_ROWS = 100

_style = (Path(__file__).parent / "templates" / "style.css").read_text(encoding="utf-8")
_style_hash = base64.b64encode(hashlib.sha256(_style.encode()).digest()).decode()
# Nothing from elsewhere and no script at all; the one style is known by its hash.
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_style_hash}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

blueprint = Blueprint("pages", __name__)


@blueprint.after_request
def protect(response: Response) -> Response:
    """Let a page do nothing but be read."""
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@blueprint.get("/")
def start() -> str:
    """Show what there is, and whether Watchdog comes."""
    responder = state.current()
    found = responder.watchdog.check(utc_now())
    last_seen = format_rfc3339(found.last_seen) if found.last_seen else None
    names = responder.runbooks.names()
    return _render("start.html", missing=found.missing, last_seen=last_seen, runbooks=names)


@blueprint.get("/journal")
def journal() -> str:
    """Show the last notifications."""
    responder = state.current()
    items = responder.journal.find(Filters(limit=JOURNAL_ROWS))
    return _render("journal.html", items=items, runbooks=responder.runbooks.names())


@blueprint.get("/healing")
def healing() -> str:
    """Show what was done and decided, and what keeps the responder from acting."""
    responder = state.current()
    deeds = responder.healing.records.deeds
    return _render(
        "healing.html",
        state=actions.status(),
        actions=deeds.find(JOURNAL_ROWS),
        decisions=deeds.decisions(JOURNAL_ROWS),
        runbooks=responder.runbooks.names(),
    )


@blueprint.app_template_filter()
def seconds_after(later: str, earlier: str) -> str:
    """Return how long after another moment one was, both as the journal has them."""
    seconds = (parse_rfc3339(later) - parse_rfc3339(earlier)).total_seconds()
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


@blueprint.get("/runbooks/")
def runbooks() -> str:
    """List the runbooks."""
    return _render("runbooks.html", runbooks=state.current().runbooks.names())


@blueprint.get("/runbooks/<alert>")
def runbook(alert: str) -> str:
    """Show an alert's runbook."""
    page = state.current().runbooks.page(alert)
    if page is None:
        raise Problem(404, f"There is no runbook {alert}; /runbooks/ lists those that exist.")
    return _render("runbook.html", alert=alert, page=Markup(page))  # noqa: S704 - html is disabled


def _render(template: str, **values: object) -> str:
    return render_template(template, style=Markup(_style), **values)  # noqa: S704 - our own file
