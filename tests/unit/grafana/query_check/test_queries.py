from collections.abc import Sequence
from typing import Any

from grafana.query_check.dashboard_file import parse
from grafana.query_check.data_sources import Prometheus
from grafana.query_check.interpolation import SelectedValue, SelectedValues
from grafana.query_check.queries import PanelQuery, QueryContext, dashboard_queries
from tests.unit.grafana.samples import LOKI, document, panel, target

NOW = 1_700_000_000_000
SOURCES = {"prometheus": Prometheus("http://127.0.0.1:9"), "loki": None}


def panel_query(
    *panels: dict[str, Any], values: Sequence[str] = ("a", "b"), **more: Any
) -> list[PanelQuery]:
    sample = parse(document(*panels, **more))
    selected_values: SelectedValues = {"service": SelectedValue(sample.variables[0], values)}
    return list(dashboard_queries(sample, QueryContext(selected_values, SOURCES, NOW)))


def exprs(queries: list[PanelQuery]) -> list[str]:
    return [query.request.expr if query.request else query.problem for query in queries]


def test_query_is_filled() -> None:
    text = 'rate(x{service=~"$service"}[$__rate_interval])'
    assert exprs(panel_query(panel("A", target(text)))) == ['rate(x{service=~"(a|b)"}[20s])']


def test_step_is_of_panel_and_query() -> None:
    panels = [
        panel("A", target("x", interval="1m")),
        panel("B", target("x"), interval="2m"),
        panel("C", target("x"), maxDataPoints=12),
    ]
    assert [query.request.step for query in panel_query(*panels) if query.request] == [
        60_000,
        120_000,
        300_000,
    ]


def test_panel_may_have_its_own_range() -> None:
    [query] = panel_query(panel("A", target("x"), timeFrom="30d"))
    assert query.request is not None
    assert query.request.time_range.width == 30 * 86_400_000


def test_repeated_panel_is_queried_for_each_value() -> None:
    queries = panel_query(panel("Of $service", target('x{a="$service"}'), repeat="service"))
    assert [(query.title, query.request and query.request.expr) for query in queries] == [
        *(("Of a", 'x{a="a"}'), ("Of b", 'x{a="b"}'))
    ]


def test_missing_loki_is_skipped() -> None:
    [query] = panel_query(panel("A", {"refId": "A", "expr": "{a=~`$service`}", "datasource": LOKI}))
    assert (query.request, query.skipped) == (None, True)


def test_metrics_of_a_missing_loki_are_skipped() -> None:
    [loki_query, other] = panel_query(
        panel("A", target("rate(otelcol_exporter_sent_log_records_total[1m])")),
        panel("B", target("my_loki_total")),
    )
    assert (loki_query.skipped, loki_query.problem) == (True, "data source 'loki' is not available")
    assert not other.skipped


def test_grafanas_own_sources_are_not_queried() -> None:
    builtins = {"refId": "A", "datasource": {"type": "datasource", "uid": "grafana"}}
    assert panel_query(panel("A", builtins)) == []


def test_other_sources_are_a_problem() -> None:
    [query] = panel_query(panel("A", target("x", datasource={"type": "tempo", "uid": "tempo"})))
    assert (query.skipped, "no data source 'tempo'" in query.problem) == (False, True)


def test_empty_query_is_a_problem() -> None:
    assert exprs(panel_query(panel("A", target(" ")))) == ["the query is empty"]


def test_annotations_are_queried() -> None:
    mark = {"name": "Alerts", "datasource": {"uid": "prometheus"}, "expr": "ALERTS"}
    [query] = panel_query(annotations={"list": [mark]})
    assert (query.query.panel, exprs([query])) == ("annotation Alerts", ["ALERTS"])
