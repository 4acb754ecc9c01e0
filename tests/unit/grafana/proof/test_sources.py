import math

import pytest

from grafana.proof.errors import AwayError, RefusedError
from grafana.proof.sources import Loki, Prometheus
from grafana.proof.span import Span
from tests.unit.apps.loopback import Answer, Peer
from tests.unit.grafana.store import FakePrometheus

SPAN = Span(1_700_000_001_234, 1_700_000_061_234)


def test_range_is_asked_at_whole_steps(prometheus: FakePrometheus) -> None:
    found = Prometheus(prometheus.url).ranged("up", SPAN, 5000)
    [asked] = prometheus.queries
    assert (asked["start"], asked["end"], asked["step"]) == (
        *("1700000000.000", "1700000060.000", "5.000"),
    )
    assert [one.labels["service"] for one in found.series] == ["web", "chat"]
    assert (len(found.series[0].points), found.cost.samples) == (2, 2)


def test_instant_has_one_point(prometheus: FakePrometheus) -> None:
    found = Prometheus(prometheus.url).instant("up", SPAN.end)
    assert found.series[0].points == [(1_700_000_061.234, 1.5)]


def test_exemplars_lead_to_requests(prometheus: FakePrometheus) -> None:
    found = Prometheus(prometheus.url).exemplars("requests_total", SPAN)
    assert [(one.labels, one.points) for one in found.series] == [
        *(({"trace_id": "a"}, [(100.0, 0.5)]), ({"trace_id": "a"}, [(100.0, 0.5)]))
    ]


def test_refusal_has_the_servers_words(prometheus: FakePrometheus) -> None:
    with pytest.raises(RefusedError, match="400: parse error: "):
        Prometheus(prometheus.url).instant("rate(", 0)


def test_nobody_there_is_told() -> None:
    with pytest.raises(AwayError, match="is the stack up"):
        Prometheus("http://127.0.0.1:9").instant("up", 0)


def peer(body: str) -> Peer:
    made = Peer()
    made.answer = lambda: Answer(body=body.encode())
    return made


def test_loki_answers_with_lines() -> None:
    made = peer(
        '{"data": {"resultType": "streams", "stats": {"summary": {"totalBytesProcessed": 70}},'
        ' "result": [{"stream": {"level": "INFO"}, "values": [["1700000000500000000", "hello"]]}]}}'
    )
    found = Loki(made.url).ranged("{}", SPAN, 5000)
    made.close()
    assert [(one.at, one.text, one.labels) for one in found.lines] == [
        (1_700_000_000.5, "hello", {"level": "INFO"})
    ]
    assert found.cost.size == 70
    assert "step=5000ms" in made.arrivals[0].path


def test_scalar_and_nan_are_series() -> None:
    made = peer('{"data": {"resultType": "scalar", "result": [1, "NaN"]}}')
    [series] = Prometheus(made.url).instant("scalar(x)", 0).series
    made.close()
    assert math.isnan(series.points[0][1])
    assert not series.has_data
