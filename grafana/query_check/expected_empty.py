"""Queries that are empty by design, from grafana/expected_empty.yml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from .errors import QueryCheckError
from .panel_queries import Query

KEYS = {"dashboard", "panel", "query", "reason"}


@dataclass(frozen=True)
class Expectation:
    """A panel, or one query of it, that may be empty, with the reason."""

    dashboard: str
    panel: str
    query: str | None
    reason: str

    def covers(self, query: Query) -> bool:
        """Return whether it covers a query."""
        alike = (self.dashboard, self.panel) == (query.dashboard, query.panel)
        return alike and self.query in (None, query.ref)


def read(file: Path) -> Sequence[Expectation]:
    """Return the entries, none without a file; raise `QueryCheckError` for an invalid one."""
    if not file.exists():
        return []
    return [_expectation(raw) for raw in yaml.safe_load(file.read_text("utf-8")) or ()]


def _expectation(raw: Mapping[str, str]) -> Expectation:
    if not {"dashboard", "panel", "reason"} <= raw.keys() <= KEYS:
        raise QueryCheckError(
            f"invalid entry {dict(raw)}: it needs dashboard, panel and reason, and may have query"
        )
    return Expectation(raw["dashboard"], raw["panel"], raw.get("query"), raw["reason"])


def expectation(query: Query, expectations: Sequence[Expectation]) -> Expectation | None:
    """Return the entry that covers a query, if there is one."""
    return next((entry for entry in expectations if entry.covers(query)), None)
