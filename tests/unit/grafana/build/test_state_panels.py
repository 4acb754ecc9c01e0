from __future__ import annotations

import json
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.build import value_texts
from grafana.build.panel_style import PanelSpec
from grafana.build.queries import instant_query, range_query
from grafana.build.state_panels import column_units, column_value_texts, state_timeline, table_panel

SPEC = PanelSpec("How?", "So.", "short", ["InstanceDown"])
NAMES = {"service": "Service", "Value #A": "Up"}


def built(panel: Any) -> dict[str, Any]:
    by_heading: dict[str, Any] = json.loads(json.dumps(panel.build(), cls=JSONEncoder))
    return by_heading


def test_states_are_shown_as_text() -> None:
    panel = built(state_timeline(SPEC, value_texts.UP, range_query("up")))
    assert panel["type"] == "state-timeline"
    shown = panel["fieldConfig"]["defaults"]["mappings"][0]["options"]
    assert {value: text["text"] for value, text in shown.items()} == {"0": "down", "1": "up"}


def test_single_value_has_its_heading() -> None:
    (organize,) = built(table_panel(SPEC, NAMES, instant_query("up")))["transformations"]
    assert organize["options"]["renameByName"] == {"service": "Service", "Value": "Up"}
    assert organize["options"]["indexByName"] == {"service": 0, "Value": 1}


def test_several_values_share_a_row() -> None:
    panel = built(
        table_panel(
            SPEC, {**NAMES, "Value #B": "Known"}, instant_query("up"), instant_query("vector(1)")
        )
    )
    assert [transformation["id"] for transformation in panel["transformations"]] == [
        "merge",
        "organize",
    ]
    assert [target["format"] for target in panel["targets"]] == ["table", "table"]


def test_first_column_leads_somewhere() -> None:
    panel = built(table_panel(SPEC, NAMES, instant_query("up"), link="/d/x"))
    (override,) = panel["fieldConfig"]["overrides"]
    assert override["matcher"]["options"] == "Service"
    assert override["properties"][0]["value"][0]["url"] == "/d/x"


def test_rows_are_sorted_from_the_most() -> None:
    panel = built(table_panel(SPEC, NAMES, instant_query("up"), sort="Up"))
    assert panel["options"]["sortBy"] == [{"displayName": "Up", "desc": True}]


def test_column_may_have_its_own_unit() -> None:
    panel = built(column_units(table_panel(SPEC, NAMES, instant_query("up")), {"Up": "reqps"}))
    (override,) = panel["fieldConfig"]["overrides"]
    assert override["properties"] == [{"id": "unit", "value": "reqps"}]


def test_column_may_have_its_own_value_texts() -> None:
    panel = built(
        column_value_texts(table_panel(SPEC, NAMES, instant_query("up")), {"Up": value_texts.UP})
    )
    (override,) = panel["fieldConfig"]["overrides"]
    (of_column,) = override["properties"]
    assert of_column["id"] == "mappings"
    assert of_column["value"][0]["options"]["1"]["text"] == "up"
