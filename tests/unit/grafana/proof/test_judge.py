from grafana.proof.asker import Asker
from grafana.proof.asks import Ask, Asked, Query
from grafana.proof.cost import Age
from grafana.proof.dashboard import Source, Target
from grafana.proof.judge import judge
from grafana.proof.span import Span
from tests.unit.grafana.store import FakePrometheus

OLD = Age(10**10, 5000)


def verdict(prometheus: FakePrometheus, expr: str) -> tuple[str, str]:
    ask = Ask("prometheus", "range", expr, Span(0, 60_000), 5000)
    found = judge(asked(ask), Asker(prometheus.url, None), OLD)
    return found.state, found.said


def asked(ask: Ask | None, problem: str = "", skipped: bool = False) -> Asked:
    target = Target("A", "", Source("prometheus", "prometheus"), {})
    return Asked(Query("d", "p", "A", "range"), target, ask, "p", problem, skipped)


def test_data_is_fine(prometheus: FakePrometheus) -> None:
    assert verdict(prometheus, "up") == ("fine", "")


def test_no_series_are_empty(prometheus: FakePrometheus) -> None:
    assert verdict(prometheus, 'up{service="nobody"}')[0] == "empty"


def test_only_nan_is_empty(prometheus: FakePrometheus) -> None:
    prometheus.value = "NaN"
    assert verdict(prometheus, "up")[0] == "empty"


def test_refusal_is_an_error(prometheus: FakePrometheus) -> None:
    assert verdict(prometheus, "rate(up[$__nonsense])")[0] == "error"


def test_too_many_samples_are_costly(prometheus: FakePrometheus) -> None:
    prometheus.samples = 10_000_000
    state, said = verdict(prometheus, "up")
    assert (state, "130,000,000 samples" in said) == ("costly", True)


def test_what_cannot_be_sent_is_an_error_or_skipped(prometheus: FakePrometheus) -> None:
    asker = Asker(prometheus.url, None)
    assert judge(asked(None, "why"), asker, OLD).state == "error"
    assert judge(asked(None, "why", skipped=True), asker, OLD).state == "skipped"
