from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.build.dashboard_builder import (
    DashboardSpec,
    Section,
    build_dashboard,
    expected_empty,
)
from grafana.build.panels import Series
from grafana.build.queries import range_query
from grafana.build.variables import services

ENTRIES = """
- {dashboard: logs, panel: Whole, reason: Nothing is wrong.}
- {dashboard: logs, panel: Part, query: B, reason: Half of it is.}
- {dashboard: slo, panel: Other, reason: It is another one.}
"""


def panel(title: str, width: int, height: int) -> Series:
    return Series(title, "So.", range_query("up"), alerts=[], size=(width, height))


def built(*sections: Section) -> Any:
    spec = DashboardSpec("some", "Some?", "Some things.", sections, variables=[services()])
    return json.loads(json.dumps(build_dashboard(spec), cls=JSONEncoder))


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        (
            [Section("First", panel("a?", 12, 8), panel("b?", 12, 8))],
            [("First", 0, 0), ("a?", 0, 1), ("b?", 12, 1)],
        ),
        (
            [Section("First", panel("a?", 20, 4), panel("b?", 8, 6))],
            [("First", 0, 0), ("a?", 0, 1), ("b?", 0, 5)],
        ),
        (
            [Section("First", panel("a?", 12, 4), panel("b?", 12, 9)), Section("Second")],
            [("First", 0, 0), ("a?", 0, 1), ("b?", 12, 1), ("Second", 0, 10)],
        ),
    ],
    ids=["side by side", "full line", "below the highest"],
)
def test_panels_flow_from_left_to_right_and_down(
    sections: list[Section], expected: list[tuple[str, int, int]]
) -> None:
    positions = [
        (item["title"], item["gridPos"]["x"], item["gridPos"]["y"])
        for item in built(*sections)["panels"]
    ]
    assert positions == expected


def test_panel_has_the_size_of_its_section_unless_it_has_its_own() -> None:
    plain = Series("a?", "So.", range_query("up"), alerts=[])
    panels = built(Section("First", plain, panel("b?", 5, 3), size=(6, 4)))["panels"]
    assert [(item["gridPos"]["w"], item["gridPos"]["h"]) for item in panels[1:]] == [(6, 4), (5, 3)]


def test_dashboard_links_to_runbooks() -> None:
    variables = built()["templating"]["list"]
    assert [variable["name"] for variable in variables] == ["service", "responder"]
    assert variables[1]["hide"] == 2


def built_annotations() -> dict[str, dict[str, Any]]:
    return {item["name"]: item for item in built()["annotations"]["list"]}


@pytest.mark.parametrize(
    ("name", "source", "title"),
    [
        ("Alerts", "prometheus", "{{alertname}}"),
        ("Drills", "prometheus", "Drill {{alert}} {{event}}"),
        ("Loads", "prometheus", "Load"),
        ("Actions", "loki", "{{alert}}"),
    ],
)
def test_annotation_comes_from_a_data_source(name: str, source: str, title: str) -> None:
    annotation = built_annotations()[name]
    assert (annotation["datasource"]["uid"], annotation["titleFormat"]) == (source, title)
    assert annotation["target"]["expr"] == annotation["expr"]  # Loki's data source reads the latter


def test_drills_are_at_the_times_of_their_begin_and_end() -> None:
    drills = built_annotations()["Drills"]
    assert drills["useValueForTime"] is True
    for metric in ("started_timestamp_seconds", "ended_timestamp_seconds", "passed == 0"):
        assert f"responder_drill_{metric}" in drills["target"]["expr"]


def test_each_annotation_can_be_switched_off() -> None:
    assert list(built_annotations()) == ["Alerts", "Drills", "Loads", "Actions"]
    assert all(item["enable"] and not item.get("hide") for item in built_annotations().values())


def test_only_panels_that_may_be_empty_as_a_whole_show_the_reason(tmp_path: Path) -> None:
    file = tmp_path / "expected_empty.yml"
    file.write_text(ENTRIES)
    assert expected_empty("logs", file) == {"Whole": "Nothing is wrong."}
