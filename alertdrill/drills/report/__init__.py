"""The reports of a run, for people (a page), for CI (JUnit's XML) and for programs (JSON)."""

from __future__ import annotations

from pathlib import Path

from ..outcome import Report
from .as_json import as_json
from .html import html
from .junit import junit
from .last import not_passed

__all__ = ["not_passed", "write"]


def write(report: Report, folder: Path) -> Path:
    """Write report.json, junit.xml and index.html into a folder; return the page."""
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "index.html"
    page.write_text(html(report), encoding="utf-8")
    (folder / "report.json").write_text(as_json(report), encoding="utf-8")
    (folder / "junit.xml").write_text(junit(report), encoding="utf-8")
    return page
