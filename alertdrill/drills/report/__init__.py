"""The reports of a run: an HTML page for people, JUnit XML for CI, JSON for programs."""

from __future__ import annotations

from pathlib import Path

import jinja2

from ..result import Report
from .json_report import failed_alerts, to_json
from .junit import to_junit
from .view_model import build_page

__all__ = ["failed_alerts", "to_html", "write"]

TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader(__name__),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def write(report: Report, folder: Path) -> Path:
    """Write report.json, junit.xml and index.html into a folder; return the page."""
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "index.html"
    page.write_text(to_html(report), encoding="utf-8")
    (folder / "report.json").write_text(to_json(report), encoding="utf-8")
    (folder / "junit.xml").write_text(to_junit(report), encoding="utf-8")
    return page


def to_html(report: Report) -> str:
    """Return the HTML page of a report, which needs no scripts or other files."""
    return TEMPLATES.get_template("page.html").render(page=build_page(report))
