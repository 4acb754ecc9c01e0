from __future__ import annotations

import json
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.build import words
from grafana.build.look import Look
from grafana.build.queries import asked, now
from grafana.build.states import column_words, rows, timeline, units

LOOK = Look("How?", "So.", "short", ["InstanceDown"])
NAMES = {"service": "Service", "Value #A": "Up"}


def built(panel: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(panel.build(), cls=JSONEncoder))
    return found


def test_states_are_shown_in_words() -> None:
    panel = built(timeline(LOOK, words.UP, asked("up")))
    assert panel["type"] == "state-timeline"
    shown = panel["fieldConfig"]["defaults"]["mappings"][0]["options"]
    assert {value: one["text"] for value, one in shown.items()} == {"0": "down", "1": "up"}


def test_single_value_has_its_heading() -> None:
    (organize,) = built(rows(LOOK, NAMES, now("up")))["transformations"]
    assert organize["options"]["renameByName"] == {"service": "Service", "Value": "Up"}
    assert organize["options"]["indexByName"] == {"service": 0, "Value": 1}


def test_several_values_share_a_row() -> None:
    panel = built(rows(LOOK, {**NAMES, "Value #B": "Known"}, now("up"), now("vector(1)")))
    assert [one["id"] for one in panel["transformations"]] == ["merge", "organize"]
    assert [target["format"] for target in panel["targets"]] == ["table", "table"]


def test_first_column_leads_somewhere() -> None:
    panel = built(rows(LOOK, NAMES, now("up"), link="/d/x"))
    (override,) = panel["fieldConfig"]["overrides"]
    assert override["matcher"]["options"] == "Service"
    assert override["properties"][0]["value"][0]["url"] == "/d/x"


def test_rows_are_sorted_from_the_most() -> None:
    panel = built(rows(LOOK, NAMES, now("up"), sort="Up"))
    assert panel["options"]["sortBy"] == [{"displayName": "Up", "desc": True}]


def test_column_may_have_its_own_unit() -> None:
    panel = built(units(rows(LOOK, NAMES, now("up")), {"Up": "reqps"}))
    (override,) = panel["fieldConfig"]["overrides"]
    assert override["properties"] == [{"id": "unit", "value": "reqps"}]


def test_column_may_have_its_own_words() -> None:
    panel = built(column_words(rows(LOOK, NAMES, now("up")), {"Up": words.UP}))
    (override,) = panel["fieldConfig"]["overrides"]
    (of_column,) = override["properties"]
    assert of_column["id"] == "mappings"
    assert of_column["value"][0]["options"]["1"]["text"] == "up"
