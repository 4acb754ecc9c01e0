from __future__ import annotations

import json
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.build import colours, value_texts
from grafana.build.panel_style import PanelSpec
from grafana.build.panels import annotation_list, bars, gauges, lines, series, stats
from grafana.build.queries import instant_query, log_query, range_query
from grafana.build.rules import Limit

LIMIT = Limit("High", "page", 5.0, above=True)
SPEC = PanelSpec("How?", "So.", "short", ["InstanceDown"])
LIMITED = PanelSpec("How?", "So.", "short", ["InstanceDown"], [LIMIT])


def built(panel: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(panel.build(), cls=JSONEncoder))
    return document


def custom(panel: Any) -> dict[str, Any]:
    settings: dict[str, Any] = built(panel)["fieldConfig"]["defaults"]["custom"]
    return settings


def test_limit_is_a_dashed_line() -> None:
    assert custom(series(LIMITED, range_query("up")))["thresholdsStyle"] == {"mode": "dashed"}
    assert custom(series(SPEC, range_query("up")))["thresholdsStyle"] == {"mode": "off"}


def test_each_query_has_its_own_colour() -> None:
    panel = built(series(SPEC, range_query("a"), range_query("b"), range_query("c")))
    overrides = panel["fieldConfig"]["overrides"]
    assert [override["matcher"]["options"] for override in overrides] == ["B", "C"]
    shown = [override["properties"][0]["value"]["fixedColor"] for override in overrides]
    assert shown == list(colours.SERIES[1:3])


def test_bars_are_stacked() -> None:
    settings = custom(bars(SPEC, range_query("up")))
    assert (settings["drawStyle"], settings["stacking"]["mode"]) == ("bars", "normal")


def test_stat_shows_the_last_value_as_text() -> None:
    panel = built(stats(SPEC, instant_query("up"), value_texts=value_texts.UP))
    assert panel["options"]["reduceOptions"]["calcs"] == ["lastNotNull"]
    assert panel["fieldConfig"]["defaults"]["mappings"][0]["options"]["0"]["text"] == "down"


def test_gauges_are_horizontal() -> None:
    assert built(gauges(SPEC, instant_query("up")))["options"]["orientation"] == "horizontal"


def test_newest_line_comes_first() -> None:
    assert built(lines(SPEC, log_query('{a="b"}')))["options"]["sortOrder"] == "Descending"


def test_annotations_need_no_other_source() -> None:
    panel = built(annotation_list(SPEC, "alertdrill", "load"))
    assert panel["options"]["tags"] == ["alertdrill", "load"]
    assert "targets" not in panel
