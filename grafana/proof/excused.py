"""What is empty by design, as grafana/empty.yml lists it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from .asks import Query
from .errors import ProofError

WORDS = {"dashboard", "panel", "query", "reason"}


@dataclass(frozen=True)
class Excuse:
    """A panel that may be empty, or one query of it, and why."""

    dashboard: str
    panel: str
    query: str | None
    reason: str

    def covers(self, query: Query) -> bool:
        """Tell whether it is about a query."""
        alike = (self.dashboard, self.panel) == (query.dashboard, query.panel)
        return alike and self.query in (None, query.ref)


def read(file: Path) -> Sequence[Excuse]:
    """Return the list; raise `ProofError` for an entry that is none. Without a file it is empty."""
    if not file.exists():
        return []
    return [_excuse(raw) for raw in yaml.safe_load(file.read_text("utf-8")) or ()]


def _excuse(raw: Mapping[str, str]) -> Excuse:
    if not {"dashboard", "panel", "reason"} <= raw.keys() <= WORDS:
        raise ProofError(f"{dict(raw)} is no excuse: it takes dashboard, panel, query and reason.")
    return Excuse(raw["dashboard"], raw["panel"], raw.get("query"), raw["reason"])


def excuse(query: Query, excuses: Sequence[Excuse]) -> Excuse | None:
    """Return the excuse for a query, if there is one."""
    return next((one for one in excuses if one.covers(query)), None)
