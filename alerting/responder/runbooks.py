"""The runbooks: a Markdown file for each alert, named like the alert."""

from __future__ import annotations

import re
from pathlib import Path

from markdown_it import MarkdownIt

ALERT_NAME = re.compile("[A-Z][A-Za-z0-9]*", flags=re.ASCII)

# Without HTML, so that a runbook cannot put a script into the page.
_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")


class Runbooks:
    """The runbooks of a folder, read from disk at each request."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """Return the alerts that have a runbook, sorted."""
        stems = (path.stem for path in self._folder.glob("*.md") if path.is_file())
        return sorted(stem for stem in stems if ALERT_NAME.fullmatch(stem))

    def page(self, alert: str) -> str | None:
        """Return an alert's runbook as HTML, None if it has none.

        The name is looked up among the files; no path is built from it.
        """
        if alert not in self.names():
            return None
        return str(_markdown.render((self._folder / f"{alert}.md").read_text(encoding="utf-8")))
