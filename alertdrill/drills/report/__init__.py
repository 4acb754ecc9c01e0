"""The reports of a run: an HTML page for people, JUnit XML for CI, JSON for programs."""

from __future__ import annotations

from pathlib import Path

from ..result import Report
from .html import to_html
from .json_report import failed_alerts, to_json
from .junit import to_junit

__all__ = ["failed_alerts", "write"]


def write(report: Report, folder: Path) -> Path:
    """Write report.json, junit.xml and index.html into a folder; return the page."""
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "index.html"
    page.write_text(to_html(report), encoding="utf-8")
    (folder / "report.json").write_text(to_json(report), encoding="utf-8")
    (folder / "junit.xml").write_text(to_junit(report), encoding="utf-8")
    return page
