"""A run as one page that needs nothing else: no script, no other file, no address."""

from __future__ import annotations

import jinja2

from ..outcome import Report
from .view import page

TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader(__name__.rpartition(".")[0]),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def html(report: Report) -> str:
    """Return the page."""
    return TEMPLATES.get_template("page.html").render(page=page(report))
