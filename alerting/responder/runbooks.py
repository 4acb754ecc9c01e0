"""The runbooks: one Markdown file for each alert, of the alert's name."""

from __future__ import annotations

import re
from pathlib import Path

from markdown_it import MarkdownIt

ALERT_NAME = re.compile("[A-Z][A-Za-z0-9]*", flags=re.ASCII)

# Without html a runbook is text only: whoever edits one cannot put a script into the page.
_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")


class Runbooks:
    """The files of one folder, read when they are asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """Return the alerts that have a runbook, in order."""
        stems = (path.stem for path in self._folder.glob("*.md") if path.is_file())
        return sorted(stem for stem in stems if ALERT_NAME.fullmatch(stem))

    def page(self, alert: str) -> str | None:
        """Return an alert's runbook as HTML, None if it has none.

        The name is looked up among the files, never made into a path.
        """
        if alert not in self.names():
            return None
        return str(_markdown.render((self._folder / f"{alert}.md").read_text(encoding="utf-8")))
