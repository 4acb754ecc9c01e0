from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Panel, RowPanel

from grafana.build.layout import DashboardSpec, Section, build_dashboard
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
    found = build_dashboard(SPEC, *sections).panels or []
    return [_place(one) for one in found]


def _place(one: Panel | RowPanel) -> tuple[str, int, int]:
    assert one.title
    assert one.grid_pos
    return (one.title, one.grid_pos.x, one.grid_pos.y)


def test_panels_are_side_by_side() -> None:
    found = places(Section("First", [panel("a?", 12), panel("b?", 12)]))
    assert found == [("First", 0, 0), ("a?", 0, 1), ("b?", 12, 1)]


def test_full_line_is_followed_by_the_next() -> None:
    found = places(Section("First", [panel("a?", 20, 4), panel("b?", 8, 6)]))
    assert found[1:] == [("a?", 0, 1), ("b?", 0, 5)]


def test_section_begins_under_the_highest() -> None:
    wide = [panel("a?", 12, 4), panel("b?", 12, 9)]
    assert places(Section("First", wide), Section("Second", []))[-1] == ("Second", 0, 10)


def test_dashboard_links_to_runbooks() -> None:
    templating = build_dashboard(SPEC).templating
    assert templating
    assert [one.name for one in templating.list_val or []] == ["service", "responder"]


def test_page_is_read_only() -> None:
    assert build_dashboard(SPEC).editable is False
