"""Dashboards: time range, links, annotations, and the layout of their panels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from grafana_foundation_sdk.builders.dashboard import (
    AnnotationQuery,
    Dashboard,
    DashboardLink,
    Row,
)
from grafana_foundation_sdk.cog import builder as cogbuilder
from grafana_foundation_sdk.cog import variants
from grafana_foundation_sdk.cog.runtime import UnknownDataquery
from grafana_foundation_sdk.models import dashboard
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    GridPos,
)

from . import colours
from .panels import Panel, panel_id
from .queries import GRAFANA, PROMETHEUS, range_query, target
from .rules import ROOT
from .variables import responder

# The schema of Grafana 12.0. Grafana would reject a newer one.
SCHEMA = 41
# The tag of our dashboards, and the first tag of our annotations; the second is their kind.
TAG = "alertdrill"
# The width of Grafana's grid.
COLUMNS = 24
# The newest annotations, enough for an alert storm.
MAX_ANNOTATIONS = 100
# Pages and tickets. Watchdog always fires, and Overprovisioned is not a problem.
FIRING = 'ALERTS{alertstate="firing", severity=~"page|ticket"}'
# Panels that are empty by design, with the reasons. The query check reads the same list.
EXPECTED_EMPTY = ROOT / "grafana" / "expected_empty.yml"


class Section:
    """Panels under a heading, in the order of the layout; `size` is (columns of 24, rows)."""

    def __init__(self, title: str, *panels: Panel, size: tuple[int, int] = (8, 8)) -> None:
        self.title = title
        self.panels = panels
        self.size = size


@dataclass(frozen=True)
class DashboardSpec:
    """A dashboard: its uid, title, description, initial time range and content.

    `time_from` and `refresh` are in Grafana's format, such as `now-1h` and `10s`.
    """

    uid: str
    title: str
    description: str
    sections: Sequence[Section]
    time_from: str = "now-1h"
    refresh: str = "10s"
    variables: Sequence[cogbuilder.Builder[dashboard.VariableModel]] = ()


def build_dashboard(spec: DashboardSpec) -> dashboard.Dashboard:
    """Build a dashboard; its panels flow from left to right and then down."""
    # The other dashboards keep the time range and the variables.
    others = (
        DashboardLink("Dashboards")
        .type(DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(True)
        .include_vars(True)
        .keep_time(True)
    )
    result = (
        Dashboard(spec.title)
        .uid(spec.uid)
        .description(spec.description)
        .tags([TAG])
        .timezone("browser")
        .readonly()
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .time(spec.time_from, "now")
        .refresh(spec.refresh)
        .variables([*spec.variables, responder()])
        .annotations(annotation_queries())
        .links([others])
        .build()
    )
    result.schema_version = SCHEMA
    result.panels = _rows_and_panels(spec)
    return result


def _rows_and_panels(spec: DashboardSpec) -> list[dashboard.Panel | dashboard.RowPanel]:
    panels_and_rows: list[dashboard.Panel | dashboard.RowPanel] = []
    no_data_texts = expected_empty(spec.uid)
    top = 0
    for section in spec.sections:
        head = Row(section.title).id(panel_id(f"row {section.title}")).build()
        head.grid_pos = GridPos(h=1, w=COLUMNS, x=0, y=top)
        panels_and_rows.append(head)
        left, top, height = 0, top + 1, 0
        for panel in section.panels:
            built = panel.builder().build()
            if panel.title in no_data_texts and built.field_config:
                built.field_config.defaults.no_value = no_data_texts[panel.title]
            width, rows = panel.size or section.size
            if left + width > COLUMNS:
                left, top, height = 0, top + height, 0
            built.grid_pos = GridPos(h=rows, w=width, x=left, y=top)
            panels_and_rows.append(built)
            left, height = left + width, max(height, rows)
        top += height
    return panels_and_rows


def expected_empty(uid: str, file: Path = EXPECTED_EMPTY) -> dict[str, str]:
    """Return why each panel of a dashboard that may be empty as a whole is empty, by title."""
    return {
        entry["panel"]: entry["reason"]
        for entry in yaml.safe_load(file.read_text("utf-8"))
        if entry["dashboard"] == uid and "query" not in entry
    }


class Tags(cogbuilder.Builder[variants.Dataquery]):
    """A query of Grafana's own annotations, for which the SDK has no builder."""

    def __init__(self, *tags: str) -> None:
        self._tags = list(tags)

    def build(self) -> variants.Dataquery:
        """Return the query."""
        query = {"limit": MAX_ANNOTATIONS, "matchAny": False, "tags": self._tags, "type": "tags"}
        return UnknownDataquery(query)


def annotation_queries() -> list[cogbuilder.Builder[dashboard.AnnotationQuery]]:
    """Return the annotations of all dashboards; each can be switched off at the top."""
    alerts = (
        AnnotationQuery()
        .name("Alerts")
        .enable(True)
        .datasource(PROMETHEUS)
        .icon_color(colours.VERMILLION)
        .target(target(range_query(FIRING), "Anno"))
        .title_format("{{alertname}}")
        .text_format("{{service}} {{instance}}")
        .tag_keys("severity,service")
    )
    tagged = [
        AnnotationQuery()
        .name(name)
        .enable(True)
        .datasource(GRAFANA)
        .icon_color(colour)
        .target(Tags(TAG, tag))
        for name, tag, colour in (
            ("Drills", "drill", colours.PURPLE),
            ("Loads", "load", colours.BLUE),
            ("Actions", "action", colours.GREEN),
        )
    ]
    return [alerts, *tagged]
