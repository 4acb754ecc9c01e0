"""The queries of a runbook. While its alert fires, each of them must return data."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..clients.http import UnreachableError
from ..clients.loki import Loki
from ..clients.prometheus import Prometheus
from .errors import UnmetError

FENCED_QUERY = re.compile(r"^```(promql|logql)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# The range of a LogQL query: the last minutes of a drill.
LOGQL_RANGE_S = 600.0


@dataclass(frozen=True)
class RunbookCheck:
    """The number of queries that returned data, and why others were skipped."""

    queries: int = 0
    skipped_reason: str = ""


@dataclass(frozen=True)
class DataSources:
    """The sources of queries: Prometheus, and Loki if it runs."""

    prometheus: Prometheus
    loki: Loki | None


def queries(markdown: str) -> Sequence[tuple[str, str]]:
    """Return (language, query) of every fenced block, in order."""
    return [(match[1], match[2].strip()) for match in FENCED_QUERY.finditer(markdown)]


def run_queries(
    runbook: Path, sources: DataSources, scale: Callable[[str], str], now: float
) -> RunbookCheck:
    """Run every query as of `now`; raise `UnmetError` for the first without data.

    `scale` divides the durations of a query by the speed; `now` is in seconds since 1970.
    """
    count, skipped_reason = 0, ""
    for language, query in queries(runbook.read_text(encoding="utf-8")):
        try:
            if language == "promql":
                rows = sources.prometheus.query_at(scale(query), now)
            elif sources.loki is not None:
                rows = _query_loki(sources.loki, query, now)
            else:
                skipped_reason = "LogQL, because Loki does not run"
                continue
        except UnreachableError as error:
            raise UnmetError(f"{runbook.name}: the query `{query}` fails: {error}") from error
        if not rows:
            raise UnmetError(
                f"{runbook.name}: the query `{query}` returns no data during the fault."
            )
        count += 1
    return RunbookCheck(count, skipped_reason)


def _query_loki(loki: Loki, query: str, now: float) -> list[Any]:
    start, end = f"{now - LOGQL_RANGE_S:.3f}", f"{now:.3f}"
    path = f"{loki.query_path}/query_range"
    return list(loki.get(path, query=query, start=start, end=end)["data"]["result"])
