import json
from pathlib import Path
from typing import Any

import pytest

from grafana.proof.dashboard import parse, read
from grafana.proof.errors import ProofError
from tests.unit.grafana.samples import LOKI, document, panel, target


def test_hidden_queries_are_not_asked() -> None:
    found = parse(document(panel("A", target("up"), target("down", "B", hide=True))))
    assert [one.ref for one in found.panels[0].targets] == ["A"]


def test_panels_of_rows_are_found() -> None:
    inner = {"type": "row", "title": "Shut", "collapsed": True, "panels": [panel("Inside")]}
    opened = {"type": "row", "title": "Open", "repeat": "service"}
    found = parse(document(inner, panel("Beside"), opened, panel("Below", repeat="instance")))
    assert [(one.title, one.repeats) for one in found.panels] == [
        *(("Inside", []), ("Beside", []), ("Below", ["service", "instance"]))
    ]


@pytest.mark.parametrize(
    ("said", "kinds"),
    [
        ({}, ["range"]),
        ({"instant": True}, ["instant"]),
        ({"instant": True, "range": True}, ["range", "instant"]),
        ({"range": False, "instant": True}, ["instant"]),
        ({"exemplar": True}, ["range", "exemplars"]),
        ({"exemplar": True, "range": False, "instant": True}, ["instant"]),
    ],
)
def test_query_says_how_it_is_asked(said: dict[str, Any], kinds: list[str]) -> None:
    found = parse(document(panel("A", target("up", **said))))
    assert found.panels[0].targets[0].kinds == kinds


def test_loki_is_asked_one_way() -> None:
    asked = [{"datasource": LOKI, "expr": "{}", "queryType": one} for one in ("range", "instant")]
    found = parse(document(panel("A", *asked)))
    assert [one.kinds for one in found.panels[0].targets] == [["range"], ["instant"]]


def test_query_has_its_panels_source() -> None:
    found = parse(document(panel("A", {"expr": "{}", "refId": "A"}, datasource=LOKI)))
    assert found.panels[0].targets[0].source.uid == "loki"


def test_old_ways_to_name_sources_count() -> None:
    targets = [{"expr": "up", "datasource": "prometheus"}, {"expr": "up"}]
    found = parse(document(panel("A", *targets, datasource=None)))
    assert {one.source.kind for one in found.panels[0].targets} == {"prometheus"}


def test_own_marks_of_grafana_are_none() -> None:
    own = {"name": "own", "datasource": {"type": "grafana", "uid": "-- Grafana --"}}
    asked = {"name": "alerts", "datasource": LOKI, "expr": "ALERTS"}
    found = parse(document(annotations={"list": [own, asked]}))
    assert [(one.name, one.target.expr) for one in found.annotations] == [("alerts", "ALERTS")]


def test_width_says_how_many_points_fit() -> None:
    found = parse(document(panel("A"), panel("B", maxDataPoints=100)))
    assert [one.points for one in found.panels] == [936, 100]


def test_folder_is_read_by_name(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / f"{name}.json").write_text(json.dumps({"uid": name, "title": name}))
    assert [one.uid for one in read(tmp_path)] == ["a", "b"]


def test_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProofError, match="has no dashboards"):
        read(tmp_path)
