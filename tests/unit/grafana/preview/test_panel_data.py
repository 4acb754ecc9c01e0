from grafana.preview.panel_data import Page, collect
from grafana.query_check.dashboard_file import parse
from grafana.query_check.query_runner import QueryRunner
from tests.unit.grafana.fake_prometheus import FakePrometheus
from tests.unit.grafana.samples import LOKI, document, panel, target

NOW = 10**12


def page(prometheus: FakePrometheus, last: str = "") -> Page:
    lines = {"refId": "A", "expr": "{}", "datasource": LOKI}
    panel_queries = document(
        panel("Of $service", target('up{service=~"$service"}'), repeat="service"),
        panel("Wrong", target("rate($x)")),
        panel("Lines", lines),
        panel("Words", type="text"),
    )
    return collect(parse(panel_queries), QueryRunner(prometheus.url, None), NOW, last)


def test_panels_have_results_or_problems(prometheus: FakePrometheus) -> None:
    panel_queries = page(prometheus)
    assert [panel.title for panel in panel_queries.panel_data] == [
        "Of chat",
        "Wrong",
        "Lines",
        "Words",
    ]
    assert [len(panel.queries) for panel in panel_queries.panel_data] == [1, 1, 1, 0]
    assert [panel.empty for panel in panel_queries.panel_data] == [False, True, True, True]
    assert panel_queries.panel_data[1].problem.startswith("400: parse error")
    assert panel_queries.panel_data[2].problem == "data source 'loki' is not available"
    assert panel_queries.chosen == {"service": "All"}


def test_other_time_range_may_be_shown(prometheus: FakePrometheus) -> None:
    assert page(prometheus).time_range.width == 3_600_000
    assert page(prometheus, "5m").time_range.width == 300_000
