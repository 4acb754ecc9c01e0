from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Panel, RowPanel

from grafana.build.look import Look
from grafana.build.page import Page, Section, made
from grafana.build.panels import series
from grafana.build.queries import asked
from grafana.build.variables import services

PAGE = Page("some", "Some?", "Some things.", variables=[services()])


def panel(title: str, width: int, height: int = 8) -> object:
    look = Look(title, "So.", "short", ["InstanceDown"], size=(width, height))
    return series(look, asked("up"))


def places(*sections: Section) -> list[tuple[str, int, int]]:
    """Return the title, x and y of everything on the page."""
    found = made(PAGE, *sections).panels or []
    return [_place(one) for one in found]


def _place(one: Panel | RowPanel) -> tuple[str, int, int]:
    assert one.title
    assert one.grid_pos
    return (one.title, one.grid_pos.x, one.grid_pos.y)


def test_panels_stand_beside_each_other() -> None:
    found = places(Section("First", [panel("a?", 12), panel("b?", 12)]))
    assert found == [("First", 0, 0), ("a?", 0, 1), ("b?", 12, 1)]


def test_full_line_is_followed_by_the_next() -> None:
    found = places(Section("First", [panel("a?", 20, 4), panel("b?", 8, 6)]))
    assert found[1:] == [("a?", 0, 1), ("b?", 0, 5)]


def test_section_begins_under_the_highest() -> None:
    wide = [panel("a?", 12, 4), panel("b?", 12, 9)]
    assert places(Section("First", wide), Section("Second", []))[-1] == ("Second", 0, 10)


def test_page_knows_where_runbooks_are() -> None:
    templating = made(PAGE).templating
    assert templating
    assert [one.name for one in templating.list_val or []] == ["service", "responder"]


def test_page_is_read_only() -> None:
    assert made(PAGE).editable is False
