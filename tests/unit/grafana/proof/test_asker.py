import pytest

from grafana.proof.asker import Asker
from grafana.proof.asks import Ask
from grafana.proof.errors import RefusedError
from grafana.proof.span import Span
from tests.unit.grafana.store import FakePrometheus

ASK = Ask("prometheus", "range", "up", Span(0, 60_000), 5000)


def test_same_query_is_sent_once(prometheus: FakePrometheus) -> None:
    asker = Asker(prometheus.url, None)
    assert asker.answer(ASK) is asker.answer(ASK)
    assert (len(prometheus.queries), asker.sent) == (1, 1)


def test_refusal_is_remembered(prometheus: FakePrometheus) -> None:
    asker = Asker(prometheus.url, None)
    for _ in range(2):
        with pytest.raises(RefusedError):
            asker.answer(Ask("prometheus", "instant", "$x", Span(0, 1), 0))
    assert asker.sent == 1


def test_end_is_asked_by_itself(prometheus: FakePrometheus) -> None:
    Asker(prometheus.url, None).last(ASK)
    assert [one["time"] for one in prometheus.queries] == ["60.000"]


def test_age_is_of_the_oldest_sample(prometheus: FakePrometheus) -> None:
    prometheus.series = [{"__name__": "prometheus_tsdb_lowest_timestamp_seconds"}]
    prometheus.value = "40"
    age = Asker(prometheus.url, None).age(100_000)
    assert (age.oldest, age.scrape) == (60_000, 5000)
