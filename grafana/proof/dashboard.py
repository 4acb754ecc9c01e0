"""A dashboard as Grafana's JSON has it, as far as its queries go."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import ProofError

Json = Mapping[str, Any]
# A full page has 24 columns; on a screen of 1,920 pixels each is about this wide.
COLUMN = 78


@dataclass(frozen=True)
class Source:
    """A data source by its kind and uid, either of which may be a variable or left out."""

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
        """How it is asked: at one moment, over the span, for the exemplars of the span."""
        said = self.raw.get("queryType")
        instant = bool(self.raw.get("instant")) or said == "instant"
        if self.source.kind == "loki":
            return ["instant"] if instant else ["range"]
        ranged = bool(self.raw.get("range", not instant))
        exemplars = ranged and bool(self.raw.get("exemplar"))
        wanted = {"range": ranged, "instant": instant, "exemplars": exemplars}
        return [kind for kind, is_wanted in wanted.items() if is_wanted]


@dataclass(frozen=True)
class Panel:
    """One panel; `repeats` are the variables that it, or its row, is repeated by."""

    title: str
    kind: str
    targets: Sequence[Target]
    repeats: Sequence[str]
    raw: Json

    @property
    def points(self) -> int:
        """How many points fit: what the panel says, else one for each pixel."""
        return int(self.raw.get("maxDataPoints") or self.raw["gridPos"]["w"] * COLUMN)


@dataclass(frozen=True)
class Variable:
    """One variable. `all_value` is what All stands for, empty where it is every value."""

    name: str
    kind: str
    query: Any
    multi: bool
    include_all: bool
    all_value: str
    raw: Json

    @property
    def several(self) -> bool:
        """Whether it may have several values, so that each is written for a regex."""
        return self.multi or self.include_all


@dataclass(frozen=True)
class Annotation:
    """Marks that a dashboard asks a data source for."""

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


def read(folder: Path) -> Sequence[Dashboard]:
    """Return every dashboard of a folder by uid; raise `ProofError` where there is none."""
    found = [parse(json.loads(file.read_text("utf-8"))) for file in sorted(folder.glob("*.json"))]
    if not found:
        raise ProofError(f"{folder} has no dashboards: write them with `make dashboards`.")
    return found


def parse(raw: Json) -> Dashboard:
    """Return the dashboard that a JSON document is."""
    asked = [one for one in raw.get("annotations", {}).get("list", ()) if _is_asked(one)]
    return Dashboard(
        uid=raw["uid"],
        title=raw["title"],
        panels=list(_panels(raw.get("panels", ()))),
        variables=[_variable(one) for one in raw.get("templating", {}).get("list", ())],
        annotations=[_annotation(one) for one in asked],
        raw=raw,
    )


def _panels(found: Sequence[Json]) -> Iterator[Panel]:
    """Yield the panels, also those inside rows; what follows an open row is in it."""
    repeated: Sequence[str] = ()
    for raw in found:
        if raw["type"] != "row":
            yield _panel(raw, repeated)
            continue
        repeated = _repeats(raw)
        yield from (_panel(inner, repeated) for inner in raw.get("panels", ()))
        if raw.get("collapsed"):
            repeated = ()


def _panel(raw: Json, repeated: Sequence[str]) -> Panel:
    own = _source(raw.get("datasource"))
    shown = [one for one in raw.get("targets", ()) if not one.get("hide")]
    return Panel(
        title=raw.get("title", ""),
        kind=raw["type"],
        targets=[_target(one, own) for one in shown],
        repeats=[*repeated, *_repeats(raw)],
        raw=raw,
    )


def _repeats(raw: Json) -> Sequence[str]:
    return [raw["repeat"]] if raw.get("repeat") else []


def _target(raw: Json, fallback: Source) -> Target:
    source = _source(raw.get("datasource")) if raw.get("datasource") else fallback
    return Target(raw.get("refId", ""), str(raw.get("expr", "")), source, raw)


def _source(raw: Json | str | None) -> Source:
    """Return the source; an older document names it by its uid alone, the default by nothing.

    The uids of ours are their kinds.
    """
    named = {"uid": raw} if isinstance(raw, str) else raw or {"uid": "prometheus"}
    uid = named.get("uid", "")
    return Source(named.get("type") or uid, uid)


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


def _is_asked(raw: Json) -> bool:
    """Tell whether it is more than Grafana's own marks, which are no query."""
    source = _source(raw.get("datasource"))
    return "grafana" not in (source.kind, source.uid) and source.uid != "-- Grafana --"


def _annotation(raw: Json) -> Annotation:
    merged = {**raw.get("target", {}), **raw, "refId": "annotation"}
    return Annotation(raw["name"], _target(merged, _source(None)))
