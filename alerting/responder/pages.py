"""The HTML pages: notifications, healing, runbooks."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

from flask import Blueprint, Response, render_template
from markdown_it import MarkdownIt
from markupsafe import Markup

from alertdrill_telemetry.problems import Problem

from .api import current, healing_status
from .notifications import Filters
from .validation import format_rfc3339, parse_rfc3339, utc_now

# A screen or two; the API has the rest.
MAX_ROWS = 100
ALERT_NAME = re.compile("[A-Z][A-Za-z0-9]*", flags=re.ASCII)

# Without HTML, so that a runbook cannot put a script into the page.
_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")

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
    status = current().watchdog.check(utc_now())
    last_seen = format_rfc3339(status.last_seen) if status.last_seen else None
    return _render("home.html", missing=status.missing, last_seen=last_seen)


@blueprint.get("/notification-history")
def notification_history() -> str:
    """Show the last notifications."""
    notifications = current().notifications.find(Filters(limit=MAX_ROWS))
    return _render("notification_history.html", notifications=notifications)


@blueprint.get("/healing")
def healing() -> str:
    """Show the state of healing, and the last actions and decisions."""
    store = current().healing
    return _render(
        "healing.html",
        state=healing_status(),
        actions=store.find(MAX_ROWS),
        decisions=store.decisions(MAX_ROWS),
    )


@blueprint.app_template_filter()
def seconds_after(later: str, earlier: str) -> str:
    """Return the time from `earlier` to `later`, both RFC 3339."""
    seconds = (parse_rfc3339(later) - parse_rfc3339(earlier)).total_seconds()
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


@blueprint.get("/runbooks/")
def runbooks() -> str:
    """List the runbooks."""
    return _render("runbooks.html")


@blueprint.get("/runbooks/<alert>")
def runbook(alert: str) -> str:
    """Show the runbook of an alert."""
    folder = current().settings.runbooks_dir
    if alert not in runbook_names(folder):  # no path is built from another name
        raise Problem(404, f"No runbook for {alert}: see the list at /runbooks/.")
    page = _markdown.render((folder / f"{alert}.md").read_text(encoding="utf-8"))
    return _render("runbook.html", alert=alert, page=Markup(page))  # noqa: S704 - html is disabled


def runbook_names(folder: Path) -> list[str]:
    """Return the alerts that have a runbook, a Markdown file of their name, sorted."""
    stems = (path.stem for path in folder.glob("*.md") if path.is_file())
    return sorted(stem for stem in stems if ALERT_NAME.fullmatch(stem))


def _render(template: str, **values: object) -> str:
    names = runbook_names(current().settings.runbooks_dir)
    style = Markup(_style)  # noqa: S704 - our own file
    return render_template(template, style=style, runbooks=names, **values)
