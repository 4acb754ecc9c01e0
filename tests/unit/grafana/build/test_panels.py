from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.build import colours, value_texts
from grafana.build.panels import (
    Bars,
    Gauges,
    Lines,
    Panel,
    Series,
    StateTimeline,
    Stats,
    Table,
    panel_id,
    steps,
)
from grafana.build.queries import (
    exemplar_query,
    instant_log_query,
    instant_query,
    log_query,
    range_query,
)
from grafana.build.rules import BuildError, Limit

SERIES = Series("How?", "So.", range_query("up"), alerts=["InstanceDown"], unit="short")
TABLE = Table(
    "How?",
    "So.",
    instant_query("sum by (service) (up)"),
    alerts=["InstanceDown"],
    columns={"service": "Service", "Value #A": "Up"},
)
# A page above 0.05, a ticket above 0.9, a ticket below 0.1.
PAGE, TICKET, LOW = Limit("WebHighErrorRate"), Limit("HostCpuHigh"), Limit("HostMemoryLow")


def built(panel: Panel) -> Any:
    return json.loads(json.dumps(panel.builder().build(), cls=JSONEncoder))


def defaults(panel: Panel) -> Any:
    return built(panel)["fieldConfig"]["defaults"]


def overrides(panel: Panel) -> dict[str, Any]:
    """Return the overridden properties by field or query: the id and value of each."""
    return {
        item["matcher"]["options"]: {entry["id"]: entry["value"] for entry in item["properties"]}
        for item in built(panel)["fieldConfig"]["overrides"]
    }


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ([], [(None, colours.FINE)]),
        ([PAGE], [(None, colours.FINE), (0.05, colours.VERMILLION)]),
        ([LOW], [(None, colours.ORANGE), (0.1, colours.FINE)]),
        (
            [TICKET, PAGE],
            [(None, colours.FINE), (0.05, colours.VERMILLION), (0.9, colours.ORANGE)],
        ),
    ],
)
def test_colour_changes_at_the_limits(
    limits: list[Limit], expected: list[tuple[float | None, str]]
) -> None:
    assert [(step.value, step.color) for step in steps(limits)] == expected


def test_id_stays_while_the_title_does() -> None:
    assert panel_id("How?") == panel_id("How?") != panel_id("Why?")
    assert 1 <= panel_id("How?") <= 1_000_000


def test_panel_has_the_shared_properties() -> None:
    queries = [range_query("up"), range_query("sum by (a)\n  (b)")]
    panel = built(replace(SERIES, query=queries, alerts=["InstanceDown", TICKET]))
    assert (panel["title"], panel["description"]) == ("How?", "So.")
    assert [(target["refId"], target["expr"]) for target in panel["targets"]] == [
        ("A", "up"),
        ("B", "sum by (a) (b)"),
    ]
    assert panel["fieldConfig"]["defaults"]["unit"] == "short"
    assert [(link["title"], link["url"]) for link in panel["links"]] == [
        ("Runbook: InstanceDown", "${responder}/runbooks/InstanceDown"),
        ("Runbook: HostCpuHigh", "${responder}/runbooks/HostCpuHigh"),
    ]


def test_runbook_of_an_unknown_alert_is_rejected() -> None:
    with pytest.raises(BuildError, match="no alert named 'Unknown'"):
        built(replace(SERIES, alerts=["Unknown"]))


def test_panel_may_have_a_no_data_text() -> None:
    assert "noValue" not in defaults(SERIES)
    assert defaults(replace(SERIES, no_data_text="No load runs."))["noValue"] == "No load runs."


def test_limit_is_a_dashed_line() -> None:
    assert defaults(SERIES)["custom"]["thresholdsStyle"] == {"mode": "off"}
    limited = replace(SERIES, alerts=[PAGE])
    assert defaults(limited)["custom"]["thresholdsStyle"] == {"mode": "dashed"}


def test_axis_begins_at_zero_unless_values_can_be_negative() -> None:
    assert defaults(SERIES)["min"] == 0
    assert defaults(replace(SERIES, lowest=None, highest=1)) == {
        **{name: value for name, value in defaults(SERIES).items() if name != "min"},
        "max": 1,
    }


def test_each_query_has_its_own_colour() -> None:
    shown = overrides(replace(SERIES, query=[range_query(name) for name in "abc"]))
    assert {ref: style["color"]["fixedColor"] for ref, style in shown.items()} == {
        "B": colours.SERIES[1],
        "C": colours.SERIES[2],
    }


def test_no_two_series_share_a_colour_and_neighbours_differ_in_print() -> None:
    assert len(set(colours.SERIES)) == len(colours.SERIES)
    lightness = [_lightness(colour) for colour in colours.SERIES]
    assert all(abs(a - b) > 10 for a, b in pairwise(lightness))
    assert len({colours.FINE, *colours.SEVERITY.values()}) == 4


def _lightness(colour: str) -> float:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (range_query("up"), {"range": True, "legendFormat": "__auto"}),
        (range_query("sum by (a, b) (up)"), {"range": True, "legendFormat": "{{a}} {{b}}"}),
        (instant_query("sum by (a) (up)", "{{b}}"), {"instant": True, "legendFormat": "{{b}}"}),
        (exemplar_query("up"), {"range": True, "exemplar": True}),
        (log_query('{a="b"}'), {"queryType": "range", "maxLines": 200}),
        (instant_log_query('{a="b"}'), {"queryType": "instant"}),
    ],
)
def test_query_is_sent_to_its_source(query: Any, expected: dict[str, Any]) -> None:
    panel = built(replace(SERIES, query=query))
    (target,) = panel["targets"]
    assert expected.items() <= target.items()
    assert ("exemplar" in target) == ("exemplar" in expected)
    source = "loki" if "queryType" in expected else "prometheus"
    assert panel["datasource"]["uid"] == target["datasource"]["uid"] == source


def test_bars_are_stacked() -> None:
    bars = Bars("How?", "So.", range_query("up"), alerts=[])
    settings = defaults(bars)["custom"]
    assert (settings["drawStyle"], settings["stacking"]["mode"]) == ("bars", "normal")


def test_stat_shows_the_last_value_as_text() -> None:
    stats = Stats("How?", "So.", instant_query("up"), alerts=[], value_texts=value_texts.UP)
    assert built(stats)["options"]["reduceOptions"]["calcs"] == ["lastNotNull"]
    assert defaults(stats)["mappings"][0]["options"]["0"]["text"] == "down"


def test_gauges_are_horizontal() -> None:
    panel = built(Gauges("How?", "So.", instant_query("up"), alerts=[]))
    assert panel["options"]["orientation"] == "horizontal"


def test_newest_line_comes_first_with_its_instance() -> None:
    panel = built(Lines("How?", "So.", log_query('{a="b"}'), alerts=[]))
    assert panel["options"]["sortOrder"] == "Descending"
    assert panel["targets"][0]["expr"].startswith('{a="b"} | line_format `{{.instance}}')


def test_states_are_shown_as_text() -> None:
    panel = StateTimeline("How?", "So.", range_query("up"), alerts=[], value_texts=value_texts.UP)
    shown = defaults(panel)["mappings"][0]["options"]
    assert {value: text["text"] for value, text in shown.items()} == {"0": "down", "1": "up"}


@pytest.mark.parametrize(
    ("panel", "renamed"),
    [
        (TABLE, {"service": "Service", "Value": "Up"}),
        (
            replace(
                TABLE,
                query=[instant_query("up"), instant_query("vector(1)")],
                columns={**TABLE.columns, "Value #B": "Known"},
            ),
            {"service": "Service", "Value #A": "Up", "Value #B": "Known"},
        ),
    ],
    ids=["one", "several"],
)
def test_values_of_a_row_have_their_headings(panel: Table, renamed: dict[str, str]) -> None:
    *merge, organize = built(panel)["transformations"]
    assert [item["id"] for item in merge] == (["merge"] if len(panel.queries) > 1 else [])
    assert organize["options"]["renameByName"] == renamed
    assert organize["options"]["indexByName"] == {name: at for at, name in enumerate(renamed)}
    targets = [(item["format"], item["legendFormat"]) for item in built(panel)["targets"]]
    assert set(targets) == {("table", "__auto")}


def test_columns_may_have_a_link_an_order_units_and_texts() -> None:
    panel = replace(
        TABLE, link="/d/x", sort="Up", column_units={"Up": "s"}, column_texts={"Up": value_texts.UP}
    )
    assert built(panel)["options"]["sortBy"] == [{"displayName": "Up", "desc": True}]
    shown = [
        (item["matcher"]["options"], entry["id"], entry["value"])
        for item in built(panel)["fieldConfig"]["overrides"]
        for entry in item["properties"]
    ]
    (link, texts, unit) = shown
    assert (link[0], link[2][0]["url"]) == ("Service", "/d/x")
    assert (texts[:2], texts[2][0]["options"]["1"]["text"]) == (("Up", "mappings"), "up")
    assert unit == ("Up", "unit", "s")


def test_higher_values_keep_their_number() -> None:
    none, above, no_data = defaults(
        Stats("How?", "So.", instant_query("up"), alerts=[], value_texts=value_texts.NONE)
    )["mappings"]
    assert none["options"]["0"]["text"] == "none"
    assert above["options"]["from"] == 0
    assert above["options"]["result"] == {"color": colours.VERMILLION}
    assert (no_data["options"]["match"], no_data["options"]["result"]["text"]) == (
        "null+nan",
        "no data",
    )


def test_no_two_states_share_a_text() -> None:
    mappings = [value for name, value in vars(value_texts).items() if name.isupper()]
    assert mappings
    for mapping in mappings:
        assert len({text for text, _ in mapping.values()}) == len(mapping)
