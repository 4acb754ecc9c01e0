"""The committed dashboards equal the build's output and fit Grafana's types."""

from __future__ import annotations

import json
import re
from itertools import combinations
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import units

from grafana.build.__main__ import outdated
from tests.contract.dashboards import Panel, dashboards, panels

DASHBOARDS = dashboards()
PANELS = panels()
UIDS = ["drills", "host", "load", "logs", "overview", "pipeline", "service", "slo"]
COLUMNS = 24
# Panel types that show no number.
WITHOUT_UNIT = {"logs", "annolist", "state-timeline"}
UNITS = {value for name, value in vars(units).items() if re.match(r"[A-Z]\w+$", name)}
# Okabe and Ito's colours without black and yellow, which is illegible on white; grey is neutral.
PALETTE = {"#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7", "#999999"}
BY_NAME = [pytest.param(panel, id=panel.name) for panel in PANELS]


@pytest.fixture(params=DASHBOARDS, ids=str)
def dashboard(request: pytest.FixtureRequest) -> dict[str, Any]:
    return DASHBOARDS[request.param]


def test_committed_json_is_the_builds() -> None:
    assert outdated() == [], "run `make dashboards` and commit"


def test_every_dashboard_exists_under_its_uid() -> None:
    assert {stem: dashboard["uid"] for stem, dashboard in DASHBOARDS.items()} == {
        uid: uid for uid in UIDS
    }


def test_json_fits_grafanas_schema(dashboard: dict[str, Any]) -> None:
    assert lost(dashboard) == []


def lost(document: dict[str, Any]) -> list[str]:
    """Return the paths of the fields that Grafana's own types do not know, and so do not return."""
    register_default_plugins()
    again = models.Dashboard.from_json(json.loads(json.dumps(document)))
    return sorted(differences(document, json.loads(json.dumps(again, cls=JSONEncoder))))


def differences(here: Any, there: Any, path: str = "") -> list[str]:
    if isinstance(here, dict) and isinstance(there, dict):
        keys = here.keys() | there.keys()
        parts = [differences(here.get(k), there.get(k), f"{path}.{k}") for k in keys]
        return [difference for part in parts for difference in part]
    if isinstance(here, list) and isinstance(there, list) and len(here) == len(there):
        pairs = enumerate(zip(here, there, strict=True))
        return [
            difference for at, pair in pairs for difference in differences(*pair, f"{path}[{at}]")
        ]
    return [] if here == there else [path]


@pytest.mark.parametrize(
    ("key", "value"), [("refesh", "5s"), ("editabel", False), ("templating", {"lsit": []})]
)
def test_schema_refuses_unknown_keys(key: str, value: Any) -> None:
    broken = {**DASHBOARDS["overview"], key: value}
    assert any(key in path for path in lost(broken))


@pytest.mark.parametrize("key", ["tiptle", "fieldConfg"])
def test_schema_refuses_unknown_keys_of_panels(key: str) -> None:
    document = json.loads(json.dumps(DASHBOARDS["overview"]))
    document["panels"][1][key] = 1
    document["panels"][1]["options"][key] = 1
    document["panels"][1]["targets"][0][key] = 1
    assert len(lost(document)) == 3


def test_dashboards_have_the_same_settings(dashboard: dict[str, Any]) -> None:
    assert dashboard["editable"] is False
    assert dashboard["graphTooltip"] == models.DashboardCursorSync.CROSSHAIR
    assert re.fullmatch(r"now-\d+[mhd]", dashboard["time"]["from"])
    assert re.fullmatch(r"\d+[sm]", dashboard["refresh"])
    assert dashboard["title"].endswith("?")
    assert len(dashboard["description"]) > 40
    assert dashboard["schemaVersion"] == 41  # Grafana 12's


def test_annotations_show_alerts_drills_loads_and_actions(dashboard: dict[str, Any]) -> None:
    queries = {item["name"]: item["target"]["expr"] for item in dashboard["annotations"]["list"]}
    assert 'ALERTS{alertstate="firing"' in queries.pop("Alerts")
    assert "responder_drill_started_timestamp_seconds" in queries.pop("Drills")
    assert 'job="load"' in queries.pop("Loads")
    assert '{service="responder"}' in queries.pop("Actions")
    assert queries == {}


@pytest.mark.parametrize("key", ["id", "title"])
def test_panels_have_unique_ids_and_titles(dashboard: dict[str, Any], key: str) -> None:
    values = [panel[key] for panel in dashboard["panels"]]
    assert len(values) == len(set(values))


def test_refs_are_unique_in_a_panel() -> None:
    duplicates = [
        panel.name
        for panel in PANELS
        if len({target.fields["refId"] for target in panel.targets}) != len(panel.targets)
    ]
    assert duplicates == []


def test_panels_fit_the_grid(dashboard: dict[str, Any]) -> None:
    positions = [panel["gridPos"] for panel in dashboard["panels"]]
    assert [item for item in positions if item["x"] + item["w"] > COLUMNS] == []


def test_panels_do_not_overlap(dashboard: dict[str, Any]) -> None:
    overlapping = [
        (panel["title"], other["title"])
        for panel, other in combinations(dashboard["panels"], 2)
        if overlap(panel["gridPos"], other["gridPos"])
    ]
    assert overlapping == []


def overlap(first: dict[str, int], second: dict[str, int]) -> bool:
    return all(
        first[at] < second[at] + second[size] and second[at] < first[at] + first[size]
        for at, size in (("x", "w"), ("y", "h"))
    )


def test_overlaps_are_detected() -> None:
    here = {"x": 0, "y": 0, "w": 8, "h": 8}
    assert overlap(here, {"x": 7, "y": 7, "w": 8, "h": 8})
    assert not overlap(here, {"x": 8, "y": 0, "w": 8, "h": 8})
    assert not overlap(here, {"x": 0, "y": 8, "w": 8, "h": 8})


@pytest.mark.parametrize("panel", BY_NAME)
def test_title_is_a_question_with_a_description(panel: Panel) -> None:
    words = panel.fields["description"]
    assert re.fullmatch(r"[A-Z].{9,75}\?", panel.title)
    assert re.fullmatch(r"[A-Z`].{30,}\.", words), words


@pytest.mark.parametrize("panel", BY_NAME)
def test_numbers_have_a_unit_that_grafana_knows(panel: Panel) -> None:
    unit = panel.fields["fieldConfig"]["defaults"].get("unit")
    assert unit in {str(getattr(unit, "value", unit)) for unit in UNITS}
    assert panel.fields["type"] in WITHOUT_UNIT or unit


@pytest.mark.parametrize("panel", BY_NAME)
def test_colours_are_of_the_palette(panel: Panel) -> None:
    used = set(re.findall(r'"(?:color|fixedColor)": "([^"]+)"', json.dumps(panel.fields)))
    assert used <= PALETTE


@pytest.mark.parametrize("panel", BY_NAME)
def test_states_have_words_beside_colours(panel: Panel) -> None:
    shown = [
        result
        for mapping in panel.fields["fieldConfig"]["defaults"].get("mappings") or []
        if mapping["type"] == "value"
        for result in mapping["options"].values()
    ]
    assert [result for result in shown if not result.get("text")] == []
    assert shown or panel.fields["type"] != "state-timeline"
