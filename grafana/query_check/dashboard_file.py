"""Read the queries and variables of a dashboard from its JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = Mapping[str, Any]
# The width in pixels of one of Grafana's 24 columns on a screen of 1,920 pixels.
COLUMN = 78


class QueryCheckError(Exception):
    """A dashboard cannot be checked; the message says why and what to do."""


@dataclass(frozen=True)
class Source:
    """A data source by kind and uid; either may be a variable or empty."""

    kind: str
    uid: str


@dataclass(frozen=True)
class Target:
    """One query of a panel, or of an annotation."""

    ref: str
    expr: str
    source: Source
    raw: Json

    @property
    def kinds(self) -> Sequence[str]:
        """The kinds of its requests: instant, range, exemplars."""
        query_type = self.raw.get("queryType")
        instant = bool(self.raw.get("instant")) or query_type == "instant"
        if self.source.kind == "loki":
            return ["instant"] if instant else ["range"]
        is_range = bool(self.raw.get("range", not instant))
        exemplars = is_range and bool(self.raw.get("exemplar"))
        kinds = {"range": is_range, "instant": instant, "exemplars": exemplars}
        return [kind for kind, is_wanted in kinds.items() if is_wanted]


@dataclass(frozen=True)
class Panel:
    """A panel; `repeats` are the variables by which it, or its row, is repeated."""

    title: str
    kind: str
    targets: Sequence[Target]
    repeats: Sequence[str]
    raw: Json

    @property
    def points(self) -> int:
        """The maximum number of points: the panel's setting, else one per pixel."""
        return int(self.raw.get("maxDataPoints") or self.raw["gridPos"]["w"] * COLUMN)


@dataclass(frozen=True)
class Variable:
    """A variable. `all_value` is the value of All, empty if All means all values."""

    name: str
    kind: str
    query: Any
    multi: bool
    include_all: bool
    all_value: str
    raw: Json

    @property
    def several(self) -> bool:
        """Whether it may have several values, which are then formatted as a regex."""
        return self.multi or self.include_all


@dataclass(frozen=True)
class Annotation:
    """An annotation with a query of a data source."""

    name: str
    target: Target


@dataclass(frozen=True)
class Dashboard:
    """One dashboard."""

    uid: str
    title: str
    panels: Sequence[Panel]
    variables: Sequence[Variable]
    annotations: Sequence[Annotation]
    raw: Json

    @property
    def times(self) -> tuple[str, str]:
        """The initial time range, such as `now-1h` and `now`."""
        times = self.raw.get("time", {"from": "now-6h", "to": "now"})
        return times["from"], times["to"]


def read(folder: Path) -> Sequence[Dashboard]:
    """Return the dashboards of a folder; raise `QueryCheckError` if there are none."""
    dashboards = [
        parse(json.loads(file.read_text("utf-8"))) for file in sorted(folder.glob("*.json"))
    ]
    if not dashboards:
        raise QueryCheckError(f"{folder} has no dashboards: run `make dashboards`")
    return dashboards


def parse(raw: Json) -> Dashboard:
    """Parse the JSON document of a dashboard."""
    annotations = [item for item in raw.get("annotations", {}).get("list", ()) if _has_query(item)]
    return Dashboard(
        uid=raw["uid"],
        title=raw["title"],
        panels=list(_panels(raw.get("panels", ()))),
        variables=[_variable(item) for item in raw.get("templating", {}).get("list", ())],
        annotations=[_annotation(item) for item in annotations],
        raw=raw,
    )


def _panels(raw_panels: Sequence[Json]) -> Iterator[Panel]:
    """Yield the panels, including those in rows; panels after an open row belong to it."""
    repeated: Sequence[str] = ()
    for raw in raw_panels:
        if raw["type"] != "row":
            yield _panel(raw, repeated)
            continue
        repeated = _repeats(raw)
        yield from (_panel(inner, repeated) for inner in raw.get("panels", ()))
        if raw.get("collapsed"):
            repeated = ()


def _panel(raw: Json, repeated: Sequence[str]) -> Panel:
    panel_source = _source(raw.get("datasource"))
    shown = [item for item in raw.get("targets", ()) if not item.get("hide")]
    return Panel(
        title=raw.get("title", ""),
        kind=raw["type"],
        targets=[_target(item, panel_source) for item in shown],
        repeats=[*repeated, *_repeats(raw)],
        raw=raw,
    )


def _repeats(raw: Json) -> Sequence[str]:
    return [raw["repeat"]] if raw.get("repeat") else []


def _target(raw: Json, fallback: Source) -> Target:
    source = _source(raw.get("datasource")) if raw.get("datasource") else fallback
    return Target(raw.get("refId", ""), str(raw.get("expr", "")), source, raw)


def _source(raw: Json | str | None) -> Source:
    """Return the source; older documents have only its uid, or nothing for the default.

    The uids of our data sources equal their kinds.
    """
    fields = {"uid": raw} if isinstance(raw, str) else raw or {"uid": "prometheus"}
    uid = fields.get("uid", "")
    return Source(fields.get("type") or uid, uid)


def _variable(raw: Json) -> Variable:
    return Variable(
        name=raw["name"],
        kind=raw["type"],
        query=raw.get("query", ""),
        multi=bool(raw.get("multi")),
        include_all=bool(raw.get("includeAll")),
        all_value=raw.get("allValue") or "",
        raw=raw,
    )


def _has_query(raw: Json) -> bool:
    """Return whether it has a query, unlike Grafana's own annotations."""
    source = _source(raw.get("datasource"))
    return "grafana" not in (source.kind, source.uid) and source.uid != "-- Grafana --"


def _annotation(raw: Json) -> Annotation:
    merged = {**raw.get("target", {}), **raw, "refId": "annotation"}
    return Annotation(raw["name"], _target(merged, _source(None)))
