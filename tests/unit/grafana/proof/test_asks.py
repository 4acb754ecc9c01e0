from collections.abc import Sequence
from typing import Any

from grafana.proof.asks import Asked, Moment, asks
from grafana.proof.dashboard import parse
from grafana.proof.fill import Choice, Chosen
from grafana.proof.sources import Prometheus
from tests.unit.grafana.samples import LOKI, document, panel, target

NOW = 1_700_000_000_000
SOURCES = {"prometheus": Prometheus("http://127.0.0.1:9"), "loki": None}


def asked(*panels: dict[str, Any], values: Sequence[str] = ("a", "b"), **more: Any) -> list[Asked]:
    found = parse(document(*panels, **more))
    choice: Choice = {"service": Chosen(found.variables[0], values)}
    return list(asks(found, Moment(choice, SOURCES, NOW)))


def exprs(found: list[Asked]) -> list[str]:
    return [one.ask.expr if one.ask else one.problem for one in found]


def test_query_is_filled() -> None:
    text = 'rate(x{service=~"$service"}[$__rate_interval])'
    assert exprs(asked(panel("A", target(text)))) == ['rate(x{service=~"(a|b)"}[20s])']


def test_step_is_of_panel_and_query() -> None:
    panels = [
        panel("A", target("x", interval="1m")),
        panel("B", target("x"), interval="2m"),
        panel("C", target("x"), maxDataPoints=12),
    ]
    assert [one.ask.step for one in asked(*panels) if one.ask] == [60_000, 120_000, 300_000]


def test_panel_may_show_another_span() -> None:
    [found] = asked(panel("A", target("x"), timeFrom="30d"))
    assert found.ask is not None
    assert found.ask.span.width == 30 * 86_400_000


def test_repeated_panel_is_asked_for_each() -> None:
    found = asked(panel("Of $service", target('x{a="$service"}'), repeat="service"))
    assert [(one.title, one.ask and one.ask.expr) for one in found] == [
        *(("Of a", 'x{a="a"}'), ("Of b", 'x{a="b"}'))
    ]


def test_missing_loki_is_skipped() -> None:
    [found] = asked(panel("A", {"refId": "A", "expr": "{a=~`$service`}", "datasource": LOKI}))
    assert (found.ask, found.skipped) == (None, True)


def test_what_is_known_of_a_missing_loki_is_skipped() -> None:
    [known, other] = asked(
        panel("A", target("rate(otelcol_exporter_sent_log_records_total[1m])")),
        panel("B", target("my_loki_total")),
    )
    assert (known.skipped, known.problem) == (True, "There is no loki here.")
    assert not other.skipped


def test_what_is_grafanas_own_is_not_asked() -> None:
    own = {"refId": "A", "datasource": {"type": "datasource", "uid": "grafana"}}
    assert asked(panel("A", own)) == []


def test_other_sources_are_a_problem() -> None:
    [found] = asked(panel("A", target("x", datasource={"type": "tempo", "uid": "tempo"})))
    assert (found.skipped, "no data source 'tempo'" in found.problem) == (False, True)


def test_empty_query_is_a_problem() -> None:
    assert exprs(asked(panel("A", target(" ")))) == ["The query is empty."]


def test_annotations_are_asked_too() -> None:
    mark = {"name": "Alerts", "datasource": {"uid": "prometheus"}, "expr": "ALERTS"}
    [found] = asked(annotations={"list": [mark]})
    assert (found.query.panel, exprs([found])) == ("annotation Alerts", ["ALERTS"])
