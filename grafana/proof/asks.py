"""What a dashboard asks its data sources for, once its variables are filled."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from . import quote, steps
from .dashboard import Dashboard, Panel, Target
from .durations import milliseconds
from .errors import ProofError
from .fill import Choice, Chosen, built_in, fill
from .options import SkippedError, Sources, asked_of
from .sources import LINES, DataSource
from .span import Span, span
from .steps import Width

# What the sources scrape at: as timeInterval of Grafana's provisioning says, which a test compares.
SCRAPE = {"prometheus": 5000, "loki": 1000}
# What Prometheus knows of Loki and of who carries lines to it: neither is here without the other.
OF_LOKI = re.compile(r"\b(?:loki|otelcol)_\w+")
# Panels that show what Grafana itself knows.
GRAFANAS = ("-- Grafana --", "-- Dashboard --", "grafana")


@dataclass(frozen=True)
class Ask:
    """One query as it is sent: at the end of the span, or over it with a point each `step` ms."""

    source: str
    kind: str
    expr: str
    span: Span
    step: int
    # How many lines are wanted at most, of those that ask for lines.
    lines: int = LINES


@dataclass(frozen=True)
class Query:
    """Where a query stands; `title` is the panel's, as a person reads it."""

    dashboard: str
    panel: str
    ref: str
    kind: str


@dataclass(frozen=True)
class Asked:
    """A query and what it became, or why it can't be sent."""

    query: Query
    target: Target
    ask: Ask | None
    title: str
    problem: str = ""
    skipped: bool = False


@dataclass(frozen=True)
class Moment:
    """What a dashboard is asked with: a choice, the sources, and what time it is (ms)."""

    choice: Choice
    sources: Sources
    now: int


def asks(dashboard: Dashboard, moment: Moment) -> Iterator[Asked]:
    """Yield every query of a dashboard's panels, and of its annotations."""
    for panel in dashboard.panels:
        yield from panel_asks(dashboard, panel, moment)
    for annotation in dashboard.annotations:
        # Marks are asked for as wide as the page.
        page = Panel(annotation.name, "annotation", (), (), {"gridPos": {"w": 24}})
        query = Query(dashboard.uid, f"annotation {annotation.name}", "annotation", "range")
        yield _asked(query, annotation.target, _Place(dashboard, page, moment))


def panel_asks(dashboard: Dashboard, panel: Panel, moment: Moment) -> Iterator[Asked]:
    """Yield a panel's queries, for each value that it is repeated for."""
    for choice in _repeated(panel.repeats, moment.choice):
        place = _Place(dashboard, panel, replace(moment, choice=choice))
        for target in panel.targets:
            if target.source.uid not in GRAFANAS:
                for kind in target.kinds:
                    query = Query(dashboard.uid, panel.title, target.ref, kind)
                    yield _asked(query, target, place)


def _repeated(names: Sequence[str], choice: Choice) -> Iterator[Choice]:
    """Yield the choices that a panel is repeated with: one value of each of these variables."""
    if not names:
        yield choice
        return
    first, *others = names
    chosen = choice.get(first)
    for value in chosen.values if chosen else ():
        assert chosen is not None
        yield from _repeated(others, {**choice, first: Chosen(chosen.variable, [value])})


@dataclass(frozen=True)
class _Place:
    dashboard: Dashboard
    panel: Panel
    moment: Moment

    def span(self) -> Span:
        """Return the span that the panel shows: its own, else the dashboard's."""
        times = self.dashboard.raw.get("time", {"from": "now-6h", "to": "now"})
        begin = self.panel.raw.get("timeFrom")
        start = f"now-{begin}" if begin else times["from"]
        return span(start, times["to"], self.moment.now)


def _asked(query: Query, target: Target, place: _Place) -> Asked:
    title = fill(query.panel, place.moment.choice, quote.glob)
    try:
        source = asked_of(target.source, place.moment.choice, place.moment.sources)
        return Asked(query, target, _ask(query.kind, target, place, source), title)
    except ProofError as error:
        skipped = isinstance(error, SkippedError)
        return Asked(query, target, None, title, str(error), skipped)


def _ask(kind: str, target: Target, place: _Place, source: DataSource) -> Ask:
    shown = place.span()
    least = _least(target, place)
    width = Width(shown, SCRAPE[source.kind], least, place.panel.points)
    if source.kind == "loki":
        step, own = steps.loki(width, target.raw.get("step"), kind == "instant")
    else:
        step, own = steps.prometheus(width)
    style = quote.loki if source.kind == "loki" else quote.prometheus
    expr = built_in(fill(target.expr, place.moment.choice, style), own)
    if not expr.strip():
        raise ProofError("The query is empty.")
    if place.moment.sources.get("loki", source) is None and OF_LOKI.search(expr):
        raise SkippedError("There is no loki here.")
    lines = int(target.raw.get("maxLines") or LINES)
    return Ask(source.kind, kind, expr, shown, step, lines)


def _least(target: Target, place: _Place) -> int:
    """Return the least step that the query asks for, else the panel; 0 for none."""
    said = str(target.raw.get("interval") or place.panel.raw.get("interval") or "")
    filled = fill(said, place.moment.choice, quote.glob).lstrip(">")
    return milliseconds(filled) if filled and not filled.startswith("$") else 0
