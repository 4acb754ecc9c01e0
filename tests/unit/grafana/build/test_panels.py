from __future__ import annotations

import json
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.build import colours, words
from grafana.build.look import Look
from grafana.build.panels import bars, gauges, lines, marks, series, stats
from grafana.build.queries import asked, logged, now
from grafana.build.rules import Limit

LIMIT = Limit("High", "page", 5.0, above=True)
LOOK = Look("How?", "So.", "short", ["InstanceDown"])
LIMITED = Look("How?", "So.", "short", ["InstanceDown"], [LIMIT])


def built(panel: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(panel.build(), cls=JSONEncoder))
    return found


def custom(panel: Any) -> dict[str, Any]:
    found: dict[str, Any] = built(panel)["fieldConfig"]["defaults"]["custom"]
    return found


def test_limit_is_a_dashed_line() -> None:
    assert custom(series(LIMITED, asked("up")))["thresholdsStyle"] == {"mode": "dashed"}
    assert custom(series(LOOK, asked("up")))["thresholdsStyle"] == {"mode": "off"}


def test_each_query_has_its_own_colour() -> None:
    panel = built(series(LOOK, asked("a"), asked("b"), asked("c")))
    overrides = panel["fieldConfig"]["overrides"]
    assert [one["matcher"]["options"] for one in overrides] == ["B", "C"]
    shown = [one["properties"][0]["value"]["fixedColor"] for one in overrides]
    assert shown == list(colours.SERIES[1:3])


def test_bars_stand_on_each_other() -> None:
    found = custom(bars(LOOK, asked("up")))
    assert (found["drawStyle"], found["stacking"]["mode"]) == ("bars", "normal")


def test_stat_shows_the_last_value_in_words() -> None:
    panel = built(stats(LOOK, now("up"), words=words.UP))
    assert panel["options"]["reduceOptions"]["calcs"] == ["lastNotNull"]
    assert panel["fieldConfig"]["defaults"]["mappings"][0]["options"]["0"]["text"] == "down"


def test_gauges_lie_beside_each_other() -> None:
    assert built(gauges(LOOK, now("up")))["options"]["orientation"] == "horizontal"


def test_newest_line_comes_first() -> None:
    assert built(lines(LOOK, logged('{a="b"}')))["options"]["sortOrder"] == "Descending"


def test_marks_ask_nobody_else() -> None:
    panel = built(marks(LOOK, "alertdrill", "load"))
    assert panel["options"]["tags"] == ["alertdrill", "load"]
    assert "targets" not in panel
