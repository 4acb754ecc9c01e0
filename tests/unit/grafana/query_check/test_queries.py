from typing import Any

import pytest

from grafana.query_check.dashboard_file import parse
from grafana.query_check.data_sources import Prometheus
from grafana.query_check.interpolation import SelectedValue
from grafana.query_check.queries import PanelQuery, QueryContext, dashboard_queries
from tests.unit.grafana.samples import LOKI, document, panel, target

NOW = 1_700_000_000_000
SOURCES = {"prometheus": Prometheus("http://127.0.0.1:9"), "loki": None}


def panel_query(*panels: dict[str, Any], **more: Any) -> PanelQuery:
    """Return the only query of a dashboard, with two services selected."""
    sample = parse(document(*panels, **more))
    selected = {"service": SelectedValue(sample.variables[0], ["a", "b"])}
    (query,) = dashboard_queries(sample, QueryContext(selected, SOURCES, NOW))
    return query


def test_query_is_sent_as_grafana_sends_it() -> None:
    text = 'rate(x{service=~"$service"}[$__rate_interval])'
    request = panel_query(panel("A", target(text))).request
    assert request is not None
    assert (request.expr, request.step) == ('rate(x{service=~"(a|b)"}[20s])', 5000)
    assert request.time_range.width == 3_600_000


def test_annotations_are_queried() -> None:
    mark = {"name": "Alerts", **target("ALERTS")}
    query = panel_query(annotations={"list": [mark]})
    assert query.query.panel == "annotation Alerts"
    assert query.request is not None
    assert query.request.expr == "ALERTS"


@pytest.mark.parametrize(
    ("fields", "problem", "skipped"),
    [
        (target("{a=~`$service`}", datasource=LOKI), "data source 'loki' is not available", True),
        (
            target("rate(otelcol_exporter_sent_log_records_total[1m])"),
            "data source 'loki' is not available",
            True,
        ),
        (target("my_loki_total"), "", False),
        (
            target("x", datasource={"type": "tempo", "uid": "tempo"}),
            "no data source 'tempo'",
            False,
        ),
        (target(" "), "the query is empty", False),
    ],
    ids=["loki", "metric of loki", "other metric", "unknown source", "empty"],
)
def test_problem_of_a_query(fields: dict[str, Any], problem: str, skipped: bool) -> None:
    query = panel_query(panel("A", fields))
    assert problem in query.problem
    assert (bool(query.problem), query.request is None) == (bool(problem), bool(problem))
    assert query.skipped is skipped
