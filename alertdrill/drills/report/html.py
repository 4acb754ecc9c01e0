"""The HTML report of a run: one page without scripts or other files."""

from __future__ import annotations

import jinja2

from ..result import Report
from .view_model import build_page

TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader(__name__.rpartition(".")[0]),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def to_html(report: Report) -> str:
    """Return the page."""
    return TEMPLATES.get_template("page.html").render(page=build_page(report))
