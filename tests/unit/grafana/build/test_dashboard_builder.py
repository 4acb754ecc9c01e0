from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Panel, RowPanel

from grafana.build.dashboard_builder import DashboardSpec, Section, build_dashboard
from grafana.build.panel_style import PanelSpec
from grafana.build.panels import series
from grafana.build.queries import range_query
from grafana.build.variables import services

SPEC = DashboardSpec("some", "Some?", "Some things.", variables=[services()])


def panel(title: str, width: int, height: int = 8) -> object:
    spec = PanelSpec(title, "So.", "short", ["InstanceDown"], size=(width, height))
    return series(spec, range_query("up"))


def places(*sections: Section) -> list[tuple[str, int, int]]:
    """Return the title, x and y of everything on the page."""
    panels = build_dashboard(SPEC, *sections).panels or []
    return [_place(panel_or_row) for panel_or_row in panels]


def _place(panel_or_row: Panel | RowPanel) -> tuple[str, int, int]:
    assert panel_or_row.title
    assert panel_or_row.grid_pos
    return (panel_or_row.title, panel_or_row.grid_pos.x, panel_or_row.grid_pos.y)


def test_panels_are_side_by_side() -> None:
    positions = places(Section("First", [panel("a?", 12), panel("b?", 12)]))
    assert positions == [("First", 0, 0), ("a?", 0, 1), ("b?", 12, 1)]


def test_full_line_is_followed_by_the_next() -> None:
    positions = places(Section("First", [panel("a?", 20, 4), panel("b?", 8, 6)]))
    assert positions[1:] == [("a?", 0, 1), ("b?", 0, 5)]


def test_section_begins_under_the_highest() -> None:
    wide = [panel("a?", 12, 4), panel("b?", 12, 9)]
    assert places(Section("First", wide), Section("Second", []))[-1] == ("Second", 0, 10)


def test_dashboard_links_to_runbooks() -> None:
    templating = build_dashboard(SPEC).templating
    assert templating
    assert [variable.name for variable in templating.list_val or []] == ["service", "responder"]


def test_page_is_read_only() -> None:
    assert build_dashboard(SPEC).editable is False
