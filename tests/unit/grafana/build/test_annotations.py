from __future__ import annotations

import json
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.build.annotations import FIRING, annotation_queries


def built() -> dict[str, dict[str, Any]]:
    marks = json.loads(json.dumps([mark.build() for mark in annotation_queries()], cls=JSONEncoder))
    return {mark["name"]: mark for mark in marks}


def test_alerts_come_from_prometheus() -> None:
    alerts = built()["Alerts"]
    assert (alerts["datasource"]["uid"], alerts["target"]["expr"]) == ("prometheus", FIRING)
    assert alerts["titleFormat"] == "{{alertname}}"


def test_annotations_are_found_by_both_tags() -> None:
    for name, tag in {"Drills": "drill", "Loads": "load", "Actions": "action"}.items():
        target = built()[name]["target"]
        assert (target["tags"], target["matchAny"]) == (["alertdrill", tag], False)


def test_each_can_be_switched_off() -> None:
    assert all(mark["enable"] and not mark.get("hide") for mark in built().values())
