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
from grafana_foundation_sdk.models import dashboard
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    GridPos,
)

from . import colours
from .panels import Panel, panel_id
from .queries import Query, log_query, range_query, target
from .rules import ROOT
from .variables import responder

# The schema of Grafana 12.0. Grafana would reject a newer one.
SCHEMA = 41
# The tag of our dashboards.
TAG = "alertdrill"
# The width of Grafana's grid.
COLUMNS = 24
# Pages and tickets. Watchdog always fires, and Overprovisioned is not a problem.
FIRING = 'ALERTS{alertstate="firing", severity=~"page|ticket"}'
# The value of each series is a time, in milliseconds: a drill's last begin, and its last end.
ENDED = "max by (alert, speed) (responder_drill_ended_timestamp_seconds) * 1000"
DRILLS = f"""
    label_replace(
      max by (alert, speed) (responder_drill_started_timestamp_seconds) * 1000,
      "event", "begins", "alert", ".*"
    )
    or
    label_replace(
      {ENDED} and on (alert, speed) responder_drill_passed == 1,
      "event", "passes", "alert", ".*"
    )
    or
    label_replace(
      {ENDED} and on (alert, speed) responder_drill_passed == 0,
      "event", "does not pass", "alert", ".*"
    )
"""
# Prometheus has this target as long as a load runs.
LOADS = 'max by (service) (up{job="load"}) == 1'
# The responder logs the decision on an action, and its end.
ACTIONS = '{service="responder"} | code="approved" or action_id!=""'
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


def annotation_queries() -> list[cogbuilder.Builder[dashboard.AnnotationQuery]]:
    """Return the annotations of all dashboards; each can be switched off at the top."""
    return [
        _annotation("Alerts", range_query(FIRING), colours.VERMILLION)
        .title_format("{{alertname}}")
        .text_format("{{service}} {{instance}}")
        .tag_keys("severity,service"),
        _annotation("Drills", range_query(DRILLS), colours.PURPLE)
        .title_format("Drill {{alert}} {{event}}")
        .use_value_for_time(True),
        _annotation("Loads", range_query(LOADS), colours.BLUE).title_format("Load"),
        # The text is the line.
        _annotation("Actions", log_query(ACTIONS), colours.GREEN).title_format("{{alert}}"),
    ]


def _annotation(name: str, query: Query, colour: str) -> AnnotationQuery:
    return (
        AnnotationQuery()
        .name(name)
        .enable(True)
        .datasource(query.source)
        .icon_color(colour)
        .target(target(query, "Anno"))
        # Loki's data source reads the query here.
        .expr(query.expr)
    )
