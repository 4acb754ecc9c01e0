"""Dashboards: time range, links, annotations, and the layout of their panels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from grafana_foundation_sdk.builders.dashboard import Dashboard, DashboardLink, Row
from grafana_foundation_sdk.cog import builder as cogbuilder
from grafana_foundation_sdk.models import dashboard
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    GridPos,
)

from .annotations import annotation_queries
from .no_data import set_no_data_texts
from .panel_style import COLUMNS, panel_id
from .variables import responder

# The schema of Grafana 12.0. Grafana would reject a newer one.
SCHEMA = 41
TAG = "alertdrill"


@dataclass(frozen=True)
class DashboardSpec:
    """The uid, title, description and initial time range of a dashboard.

    `time_from` and `refresh` are in Grafana's format, such as `now-1h` and `10s`.
    """

    uid: str
    title: str
    description: str
    time_from: str = "now-1h"
    refresh: str = "10s"
    variables: Sequence[cogbuilder.Builder[dashboard.VariableModel]] = field(default_factory=list)


# Builders of panels, of any kind.
Panels = Sequence[Any]


@dataclass(frozen=True)
class Section:
    """Panels under a heading, in the order of the layout."""

    title: str
    panels: Panels


def build_dashboard(spec: DashboardSpec, *sections: Section) -> dashboard.Dashboard:
    """Build a dashboard; its panels flow from left to right and then down."""
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
        .links([_others()])
        .build()
    )
    result.schema_version = SCHEMA
    result.panels = _rows_and_panels(spec.uid, sections)
    return result


def _others() -> DashboardLink:
    """Return the links to the other dashboards, which keep the time range and the variables."""
    return (
        DashboardLink("Dashboards")
        .type(DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(True)
        .include_vars(True)
        .keep_time(True)
    )


def _rows_and_panels(
    uid: str, sections: Sequence[Section]
) -> list[dashboard.Panel | dashboard.RowPanel]:
    panels_and_rows: list[dashboard.Panel | dashboard.RowPanel] = []
    top = 0
    for section in sections:
        row = Row(section.title).id(panel_id(f"row {section.title}"))
        head = row.build()
        head.grid_pos = GridPos(h=1, w=COLUMNS, x=0, y=top)
        panels, top = _arrange([builder.build() for builder in section.panels], top + 1)
        set_no_data_texts(uid, panels)
        panels_and_rows += [head, *panels]
    return panels_and_rows


def _arrange(panels: Sequence[dashboard.Panel], top: int) -> tuple[list[dashboard.Panel], int]:
    """Set the positions of panels, row by row; return the panels and the next free line."""
    left, height = 0, 0
    for panel in panels:
        position = panel.grid_pos
        assert position is not None, panel.title  # apply_common sets it
        if left + position.w > COLUMNS:
            left, top, height = 0, top + height, 0
        position.x, position.y = left, top
        left, height = left + position.w, max(height, position.h)
    return list(panels), top + height
