"""Read the queries and variables of a dashboard from its JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = Mapping[str, Any]
# The width in pixels of one of Grafana's 24 columns on a screen of 1,920 pixels.
COLUMN = 78
# Data sources inside Grafana.
GRAFANA_SOURCES = ("-- Grafana --", "-- Dashboard --", "grafana")
# Settings of panels that change their queries; the build uses none of them.
UNSUPPORTED = {"interval", "maxDataPoints", "repeat", "timeFrom", "timeShift"}


class QueryCheckError(Exception):
    """A dashboard cannot be checked; the message says why and what to do."""


@dataclass(frozen=True)
class Target:
    """One query of a panel, or of an annotation, with the kind and the uid of its data source."""

    ref: str
    expr: str
    source: str
    source_uid: str
    raw: Json

    @property
    def kinds(self) -> Sequence[str]:
        """The kinds of its requests: instant, range, exemplars."""
        if self.raw.get("instant") or self.raw.get("queryType") == "instant":
            return ["instant"]
        return ["range", "exemplars"] if self.raw.get("exemplar") else ["range"]


@dataclass(frozen=True)
class Panel:
    """A panel with its queries."""

    title: str
    kind: str
    targets: Sequence[Target]
    raw: Json

    @property
    def points(self) -> int:
        """The maximum number of points: one per pixel."""
        return int(self.raw["gridPos"]["w"] * COLUMN)


@dataclass(frozen=True)
class Variable:
    """A variable. `all_value` is the value of All, empty if All means all values."""

    name: str
    kind: str
    query: str
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
    """Parse the JSON document of a dashboard; raise `QueryCheckError` for what is unsupported."""
    marks = raw.get("annotations", {}).get("list", ())
    return Dashboard(
        uid=raw["uid"],
        title=raw["title"],
        panels=[_panel(item) for item in raw.get("panels", ()) if item["type"] != "row"],
        variables=[_variable(item) for item in raw.get("templating", {}).get("list", ())],
        annotations=[
            Annotation(item["name"], _target({**item.get("target", {}), **item}, "annotation"))
            for item in marks
            if item["datasource"]["uid"] not in GRAFANA_SOURCES
        ],
        raw=raw,
    )


def _panel(raw: Json) -> Panel:
    if unsupported := UNSUPPORTED & raw.keys():
        raise QueryCheckError(
            f"panel {raw['title']!r} has {', '.join(sorted(unsupported))},"
            " which the query check does not support"
        )
    return Panel(
        title=raw.get("title", ""),
        kind=raw["type"],
        targets=[_target(item, item["refId"]) for item in raw.get("targets") or ()],
        raw=raw,
    )


def _target(raw: Json, ref: str) -> Target:
    source = raw["datasource"]
    return Target(ref, str(raw.get("expr", "")), source["type"], source["uid"], raw)


def _variable(raw: Json) -> Variable:
    query = raw.get("query", "")
    return Variable(
        name=raw["name"],
        kind=raw["type"],
        query=query["query"] if isinstance(query, Mapping) else query,
        multi=bool(raw.get("multi")),
        include_all=bool(raw.get("includeAll")),
        all_value=raw.get("allValue") or "",
        raw=raw,
    )
