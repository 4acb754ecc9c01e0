import json
from pathlib import Path
from typing import Any

import pytest

from grafana.build.dashboards import ALL
from grafana.build.rules import ROOT
from grafana.query_check.dashboard_file import QueryCheckError, parse, read
from tests.unit.grafana.samples import LOKI, document, panel, target


def test_rows_are_no_panels() -> None:
    parsed = parse(document({"type": "row", "title": "First"}, panel("A", target("up"))))
    assert [item.title for item in parsed.panels] == ["A"]
    assert (parsed.panels[0].targets[0].source, parsed.times) == ("prometheus", ("now-1h", "now"))


@pytest.mark.parametrize(
    ("fields", "kinds"),
    [
        ({}, ["range"]),
        ({"instant": True, "range": False}, ["instant"]),
        ({"exemplar": True}, ["range", "exemplars"]),
        ({"queryType": "range", "datasource": LOKI}, ["range"]),
        ({"queryType": "instant", "datasource": LOKI}, ["instant"]),
    ],
)
def test_query_has_its_kinds(fields: dict[str, Any], kinds: list[str]) -> None:
    parsed = parse(document(panel("A", target("up", **fields))))
    assert parsed.panels[0].targets[0].kinds == kinds


def test_annotations_of_grafana_are_excluded() -> None:
    own = {"name": "own", "datasource": {"type": "grafana", "uid": "-- Grafana --"}}
    alerts = {"name": "alerts", "datasource": LOKI, "target": {"expr": "ALERTS"}}
    parsed = parse(document(annotations={"list": [own, alerts]}))
    assert [(item.name, item.target.expr) for item in parsed.annotations] == [("alerts", "ALERTS")]


def test_width_determines_the_points() -> None:
    assert parse(document(panel("A"))).panels[0].points == 936


@pytest.mark.parametrize("key", ["repeat", "timeFrom", "interval", "maxDataPoints"])
def test_setting_that_would_change_the_queries_is_refused(key: str) -> None:
    with pytest.raises(QueryCheckError, match=f"panel 'A' has {key}"):
        parse(document(panel("A", **{key: "1m"})))


def test_folder_is_read_by_name(tmp_path: Path) -> None:
    with pytest.raises(QueryCheckError, match="has no dashboards"):
        read(tmp_path)
    for name in ("b", "a"):
        (tmp_path / f"{name}.json").write_text(json.dumps({"uid": name, "title": name}))
    assert [item.uid for item in read(tmp_path)] == ["a", "b"]


def test_committed_dashboards_are_supported() -> None:
    assert len(read(ROOT / "grafana" / "dashboards")) == len(ALL)
