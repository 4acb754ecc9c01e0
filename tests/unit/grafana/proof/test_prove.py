from collections.abc import Sequence
from typing import Any

from grafana.proof.asker import Asker
from grafana.proof.dashboard import parse
from grafana.proof.excused import Excuse
from grafana.proof.prove import Proof, Rules, prove
from tests.unit.grafana.samples import LOKI, document, panel, target, variable
from tests.unit.grafana.store import FakePrometheus

NOW = 1_700_000_000_000
REQUESTS = panel("Requests", target('requests_total{service=~"$service"}'))


def proof(
    prometheus: FakePrometheus, *panels: dict[str, Any], rules: Rules | None = None, **more: Any
) -> Proof:
    found = parse(document(*panels, **more))
    return prove([found], Asker(prometheus.url, None), NOW, rules or Rules())


def failures(found: Proof) -> Sequence[tuple[str, str, str, str]]:
    """Return dashboard, panel, state and query of each failure."""
    return [
        (
            *(one.asked.query.dashboard, one.asked.query.panel, one.verdict.state),
            one.asked.ask.expr if one.asked.ask else one.asked.target.expr,
        )
        for one in found.failures
    ]


def test_whole_dashboard_is_fine(prometheus: FakePrometheus) -> None:
    found = proof(prometheus, REQUESTS)
    assert failures(found) == []
    assert {one.mode for one in found.outcomes} == {"all", "one", "several"}
    sent = {one["query"] for one in prometheus.queries}
    assert 'requests_total{service=~"(chat|web)"}' in sent
    assert {f'requests_total{{service=~"{one}"}}' for one in ("web", "chat")} <= sent


def test_removed_metric_is_named(prometheus: FakePrometheus) -> None:
    prometheus.series = [one for one in prometheus.series if one["__name__"] == "up"]
    assert failures(proof(prometheus, REQUESTS)) == [
        ("sample", "Requests", "empty", 'requests_total{service=~"(chat|web)"}')
    ]


def test_renamed_label_is_named(prometheus: FakePrometheus) -> None:
    prometheus.series = [
        one if one["__name__"] == "up" else {"__name__": "requests_total", "app": one["service"]}
        for one in prometheus.series
    ]
    assert [one[:3] for one in failures(proof(prometheus, REQUESTS))] == [
        ("sample", "Requests", "empty")
    ]


def test_broken_variable_is_named(prometheus: FakePrometheus) -> None:
    broken = variable("service", "label_values(gone_total, service)", multi=True, includeAll=True)
    found = failures(proof(prometheus, REQUESTS, templating={"list": [broken]}))
    assert [one[1] for one in found] == ["variable service", "Requests"]
    assert found[0][3] == "label_values(gone_total, service)"


def test_renamed_variable_is_named(prometheus: FakePrometheus) -> None:
    other = variable("svc", "label_values(up, service)", multi=True)
    found = failures(proof(prometheus, REQUESTS, templating={"list": [other]}))
    assert [one[1:3] for one in found] == [("Requests", "error")]


def test_what_only_some_services_have_is_a_gap(prometheus: FakePrometheus) -> None:
    prometheus.series = [one for one in prometheus.series if one != prometheus.series[3]]
    found = proof(prometheus, REQUESTS)
    assert failures(found) == []
    assert {one.mode: one.gaps for one in found.outcomes} == {"all": 0, "one": 1, "several": 0}


def test_repeated_panel_has_no_gap(prometheus: FakePrometheus) -> None:
    prometheus.series = [one for one in prometheus.series if one != prometheus.series[3]]
    found = failures(proof(prometheus, {**REQUESTS, "repeat": "service"}))
    assert found == [("sample", "Requests", "empty", 'requests_total{service=~"chat"}')]


def test_excuse_covers_emptiness_alone(prometheus: FakePrometheus) -> None:
    rules = Rules([Excuse("sample", "Gone", None, "by design")])
    empty = panel("Gone", target("gone_total"))
    assert failures(proof(prometheus, empty, rules=rules)) == []
    wrong = panel("Gone", target("rate($x)"))
    assert [one[2] for one in failures(proof(prometheus, wrong, rules=rules))] == ["error"]


def test_missing_exemplars_are_named(prometheus: FakePrometheus) -> None:
    wanted = panel("Slow", target('requests_total{service=~"$service"}', exemplar=True))
    assert failures(proof(prometheus, wanted)) == []
    prometheus.exemplars = []
    found = proof(prometheus, wanted)
    assert [one.asked.query.kind for one in found.failures] == ["exemplars"]


def test_missing_loki_fails_nothing(prometheus: FakePrometheus) -> None:
    found = proof(prometheus, panel("Lines", {"refId": "A", "expr": "{}", "datasource": LOKI}))
    assert failures(found) == []
    assert {one.verdict.state for one in found.outcomes} == {"skipped"}


def test_annotation_may_be_empty_but_not_wrong(prometheus: FakePrometheus) -> None:
    marks = [
        {"name": name, "datasource": {"uid": "prometheus"}, "expr": expr}
        for name, expr in (("quiet", "gone_total"), ("wrong", "rate($x)"))
    ]
    found = failures(proof(prometheus, annotations={"list": marks}))
    assert [one[1] for one in found] == ["annotation wrong"]


def test_typed_in_value_is_used(prometheus: FakePrometheus) -> None:
    proof(prometheus, REQUESTS, rules=Rules(given={"service": "web"}))
    assert {one["query"] for one in prometheus.queries if "requests" in one["query"]} == {
        'requests_total{service=~"web"}'
    }
