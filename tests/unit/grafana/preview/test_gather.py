from grafana.preview.gather import Page, gather
from grafana.proof.asker import Asker
from grafana.proof.dashboard import parse
from tests.unit.grafana.samples import LOKI, document, panel, target
from tests.unit.grafana.store import FakePrometheus

NOW = 10**12


def page(prometheus: FakePrometheus, last: str = "") -> Page:
    lines = {"refId": "A", "expr": "{}", "datasource": LOKI}
    found = document(
        panel("Of $service", target('up{service=~"$service"}'), repeat="service"),
        panel("Wrong", target("rate($x)")),
        panel("Lines", lines),
        panel("Words", type="text"),
    )
    return gather(parse(found), Asker(prometheus.url, None), NOW, last)


def test_panels_have_answers_or_reasons(prometheus: FakePrometheus) -> None:
    found = page(prometheus)
    assert [one.title for one in found.shown] == ["Of chat", "Wrong", "Lines", "Words"]
    assert [len(one.told) for one in found.shown] == [1, 1, 1, 0]
    assert [one.empty for one in found.shown] == [False, True, True, True]
    assert found.shown[1].problem.startswith("400: parse error")
    assert found.shown[2].problem == "There is no loki here."
    assert found.chosen == {"service": "All"}


def test_other_span_may_be_shown(prometheus: FakePrometheus) -> None:
    assert page(prometheus).span.width == 3_600_000
    assert page(prometheus, "5m").span.width == 300_000
