from grafana.query_check import report
from grafana.query_check.check import CheckOptions, CheckResult, check_dashboards
from grafana.query_check.dashboard_file import parse
from grafana.query_check.expected_empty import Expectation
from grafana.query_check.query_runner import QueryRunner
from tests.unit.grafana.fake_prometheus import FakePrometheus
from tests.unit.grafana.samples import LOKI, document, panel, target

PANELS = [
    panel("Fine", target('up{service=~"$service"}'), target('up{service="web"}', "B")),
    panel("Gone", target("gone_total")),
    panel("Lost", target('lost_total{service=~"$service"}')),
    panel("Lines", {"refId": "A", "expr": "{}", "datasource": LOKI}),
    panel("Words", type="text"),
]


def checked(prometheus: FakePrometheus) -> CheckResult:
    rules = CheckOptions([Expectation("sample", "Gone", None, "Nothing is gone.")])
    return check_dashboards(
        [parse(document(*PANELS))], QueryRunner(prometheus.url, None), 10**12, rules
    )


def test_report_counts_and_names(prometheus: FakePrometheus) -> None:
    message = list(report.lines(checked(prometheus)))
    assert message[0].startswith("1 dashboards, 5 panels, 4 with queries, 5 queries, sent ")
    assert message[1:] == [
        "Expected empty: 1 queries; 0 of them had data this time.",
        "SKIPPED: 1 queries. data source 'loki' is not available",
        "FAILED sample / Lost [A] (range, all): It has no data.",
        '    lost_total{service=~"(chat|web)"}',
        "1 queries failed.",
    ]


def test_details_have_reasons_and_gaps(prometheus: FakePrometheus) -> None:
    prometheus.series = prometheus.series[:2]
    prometheus.series = [prometheus.series[0], {**prometheus.series[1], "__name__": "up"}]
    message = list(report.lines(checked(prometheus), details=True))
    assert "  sample / Gone [A]: Nothing is gone." in message
