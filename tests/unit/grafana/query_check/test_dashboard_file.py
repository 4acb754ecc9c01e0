import json
from pathlib import Path
from typing import Any

import pytest

from grafana.query_check.dashboard_file import QueryCheckError, parse, read
from tests.unit.grafana.samples import LOKI, document, panel, target


def test_hidden_queries_are_not_sent() -> None:
    parsed = parse(document(panel("A", target("up"), target("down", "B", hide=True))))
    assert [query.ref for query in parsed.panels[0].targets] == ["A"]


def test_panels_of_rows_are_found() -> None:
    inner = {"type": "row", "title": "Shut", "collapsed": True, "panels": [panel("Inside")]}
    opened = {"type": "row", "title": "Open", "repeat": "service"}
    parsed = parse(document(inner, panel("Beside"), opened, panel("Below", repeat="instance")))
    assert [(item.title, item.repeats) for item in parsed.panels] == [
        *(("Inside", []), ("Beside", []), ("Below", ["service", "instance"]))
    ]


@pytest.mark.parametrize(
    ("query_type", "kinds"),
    [
        ({}, ["range"]),
        ({"instant": True}, ["instant"]),
        ({"instant": True, "range": True}, ["range", "instant"]),
        ({"range": False, "instant": True}, ["instant"]),
        ({"exemplar": True}, ["range", "exemplars"]),
        ({"exemplar": True, "range": False, "instant": True}, ["instant"]),
    ],
)
def test_query_has_its_kinds(query_type: dict[str, Any], kinds: list[str]) -> None:
    parsed = parse(document(panel("A", target("up", **query_type))))
    assert parsed.panels[0].targets[0].kinds == kinds


def test_loki_query_has_one_kind() -> None:
    annotations = [
        {"datasource": LOKI, "expr": "{}", "queryType": kind} for kind in ("range", "instant")
    ]
    parsed = parse(document(panel("A", *annotations)))
    assert [kind.kinds for kind in parsed.panels[0].targets] == [["range"], ["instant"]]


def test_query_has_its_panels_source() -> None:
    parsed = parse(document(panel("A", {"expr": "{}", "refId": "A"}, datasource=LOKI)))
    assert parsed.panels[0].targets[0].source.uid == "loki"


def test_old_source_formats_are_read() -> None:
    targets = [{"expr": "up", "datasource": "prometheus"}, {"expr": "up"}]
    parsed = parse(document(panel("A", *targets, datasource=None)))
    assert {query.source.kind for query in parsed.panels[0].targets} == {"prometheus"}


def test_annotations_of_grafana_are_excluded() -> None:
    panel_source = {"name": "own", "datasource": {"type": "grafana", "uid": "-- Grafana --"}}
    annotations = {"name": "alerts", "datasource": LOKI, "expr": "ALERTS"}
    parsed = parse(document(annotations={"list": [panel_source, annotations]}))
    assert [(annotation.name, annotation.target.expr) for annotation in parsed.annotations] == [
        ("alerts", "ALERTS")
    ]


def test_width_determines_the_points() -> None:
    parsed = parse(document(panel("A"), panel("B", maxDataPoints=100)))
    assert [item.points for item in parsed.panels] == [936, 100]


def test_folder_is_read_by_name(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / f"{name}.json").write_text(json.dumps({"uid": name, "title": name}))
    assert [item.uid for item in read(tmp_path)] == ["a", "b"]


def test_empty_folder_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(QueryCheckError, match="has no dashboards"):
        read(tmp_path)
