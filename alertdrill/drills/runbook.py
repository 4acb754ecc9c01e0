"""The queries of a runbook: while its alert fires, each of them must find something."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .clients import Prometheus, get_json
from .errors import UnmetError, UnreachableError

FENCED = re.compile(r"^```(promql|logql)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# The answer of a LogQL query covers at least the last minutes of a drill.
LOOK_BACK = 600.0


@dataclass(frozen=True)
class Checked:
    """How many queries found something, and why others were not run."""

    queries: int = 0
    left_out: str = ""


@dataclass(frozen=True)
class Stores:
    """Where queries are asked: Prometheus, and Loki's URL where it runs."""

    prometheus: Prometheus
    loki: str | None


def queries(markdown: str) -> Sequence[tuple[str, str]]:
    """Return (language, query) of every fenced block, in order."""
    return [(match[1], match[2].strip()) for match in FENCED.finditer(markdown)]


def check(runbook: Path, stores: Stores, scaled: Callable[[str], str], now: float) -> Checked:
    """Run every query as of `now`; raise `UnmetError` naming the first that finds nothing.

    `scaled` divides the durations of a query by the speed; `now` is in seconds since 1970.
    """
    ran, left_out = 0, ""
    for language, query in queries(runbook.read_text(encoding="utf-8")):
        if language == "logql" and stores.loki is None:
            left_out = "LogQL: Loki does not run here"
            continue
        try:
            found = (
                _logql(str(stores.loki), query, now)
                if language == "logql"
                else stores.prometheus.query_at(scaled(query), now)
            )
        except UnreachableError as error:
            raise UnmetError(f"{runbook.name}: the query `{query}` fails: {error}") from error
        if not found:
            raise UnmetError(
                f"{runbook.name}: the query `{query}` finds nothing while the fault is on."
            )
        ran += 1
    return Checked(ran, left_out)


def _logql(loki: str, query: str, now: float) -> list[Any]:
    data = get_json(
        f"{loki}/loki/api/v1/query_range",
        query=query,
        start=f"{now - LOOK_BACK:.3f}",
        end=f"{now:.3f}",
    )["data"]
    return list(data["result"])
