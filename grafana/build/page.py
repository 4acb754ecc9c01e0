"""What every dashboard has: how it is opened, its links to the others and its marks."""

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

from .absent import explain
from .annotations import marks
from .look import COLUMNS, identity
from .variables import responder

# Grafana 12.0's; a newer one would be taken for a dashboard from the future.
SCHEMA = 41
TAG = "alertdrill"


@dataclass(frozen=True)
class Page:
    """A dashboard: its uid, its title, what it answers, and the time that it shows at first.

    `since` and `refresh` are as Grafana writes them, such as `now-1h` and `10s`.
    """

    uid: str
    title: str
    says: str
    since: str = "now-1h"
    refresh: str = "10s"
    variables: Sequence[cogbuilder.Builder[dashboard.VariableModel]] = field(default_factory=list)


# Builders of panels, of any kind.
Panels = Sequence[Any]


@dataclass(frozen=True)
class Section:
    """Panels under a heading, in the order in which they fill the lines."""

    title: str
    panels: Panels


def made(page: Page, *sections: Section) -> dashboard.Dashboard:
    """Return the dashboard of a page; panels flow from left to right and then down."""
    built = (
        Dashboard(page.title)
        .uid(page.uid)
        .description(page.says)
        .tags([TAG])
        .timezone("browser")
        .readonly()
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .time(page.since, "now")
        .refresh(page.refresh)
        .variables([*page.variables, responder()])
        .annotations(marks())
        .links([_others()])
        .build()
    )
    built.schema_version = SCHEMA
    built.panels = _placed(page.uid, sections)
    return built


def _others() -> DashboardLink:
    """Return the links to all of our dashboards, which keep the time and the services."""
    return (
        DashboardLink("Dashboards")
        .type(DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(True)
        .include_vars(True)
        .keep_time(True)
    )


def _placed(uid: str, sections: Sequence[Section]) -> list[dashboard.Panel | dashboard.RowPanel]:
    found: list[dashboard.Panel | dashboard.RowPanel] = []
    top = 0
    for section in sections:
        row = Row(section.title).id(identity(f"row {section.title}"))
        head = row.build()
        head.grid_pos = GridPos(h=1, w=COLUMNS, x=0, y=top)
        panels, top = _flow([builder.build() for builder in section.panels], top + 1)
        explain(uid, panels)
        found += [head, *panels]
    return found


def _flow(panels: Sequence[dashboard.Panel], top: int) -> tuple[list[dashboard.Panel], int]:
    """Place panels beside each other as long as there is room; return them and the next line."""
    left, height = 0, 0
    for panel in panels:
        place = panel.grid_pos
        assert place is not None, panel.title  # every panel has a size
        if left + place.w > COLUMNS:
            left, top, height = 0, top + height, 0
        place.x, place.y = left, top
        left, height = left + place.w, max(height, place.h)
    return list(panels), top + height
