from grafana.proof import report
from grafana.proof.asker import Asker
from grafana.proof.dashboard import parse
from grafana.proof.excused import Excuse
from grafana.proof.prove import Proof, Rules, prove
from tests.unit.grafana.samples import LOKI, document, panel, target
from tests.unit.grafana.store import FakePrometheus

PANELS = [
    panel("Fine", target('up{service=~"$service"}'), target('up{service="web"}', "B")),
    panel("Gone", target("gone_total")),
    panel("Lost", target('lost_total{service=~"$service"}')),
    panel("Lines", {"refId": "A", "expr": "{}", "datasource": LOKI}),
    panel("Words", type="text"),
]


def proven(prometheus: FakePrometheus) -> Proof:
    rules = Rules([Excuse("sample", "Gone", None, "Nothing is gone.")])
    return prove([parse(document(*PANELS))], Asker(prometheus.url, None), 10**12, rules)


def test_report_counts_and_names(prometheus: FakePrometheus) -> None:
    said = list(report.lines(proven(prometheus)))
    assert said[0].startswith("1 dashboards, 5 panels of which 4 ask something, 5 queries, sent ")
    assert said[1:] == [
        "Excused: 1 queries are empty by design; 0 of them had data this time.",
        "SKIPPED: 1 queries were not asked. There is no loki here.",
        "FAILED sample / Lost [A] (range, all): It has no data.",
        '    lost_total{service=~"(chat|web)"}',
        "1 queries failed.",
    ]


def test_details_have_reasons_and_gaps(prometheus: FakePrometheus) -> None:
    prometheus.series = prometheus.series[:2]
    prometheus.series = [prometheus.series[0], {**prometheus.series[1], "__name__": "up"}]
    said = list(report.lines(proven(prometheus), details=True))
    assert "  sample / Gone [A]: Nothing is gone." in said
