import math

import pytest

from grafana.query_check.data_sources import (
    Line,
    Loki,
    Prometheus,
    QueryResult,
    RejectedError,
    Series,
    UnavailableError,
)
from grafana.query_check.times import TimeRange
from tests.http_server import Answer, Peer
from tests.unit.grafana.fake_prometheus import FakePrometheus

SPAN = TimeRange(1_700_000_001_234, 1_700_000_061_234)


def test_range_is_aligned_to_steps(prometheus: FakePrometheus) -> None:
    result = Prometheus(prometheus.url).range("up", SPAN, 5000)
    [params] = prometheus.queries
    assert (params["start"], params["end"], params["step"]) == (
        *("1700000000.000", "1700000060.000", "5.000"),
    )
    assert [series.labels["service"] for series in result.series] == ["web", "chat"]
    assert (len(result.series[0].points), result.samples) == (2, 2)


def test_instant_has_one_point(prometheus: FakePrometheus) -> None:
    result = Prometheus(prometheus.url).instant("up", SPAN.end)
    assert result.series[0].points == [(1_700_000_061.234, 1.5)]


def test_exemplars_lead_to_requests(prometheus: FakePrometheus) -> None:
    result = Prometheus(prometheus.url).exemplars("requests_total", SPAN)
    assert [(series.labels, series.points) for series in result.series] == [
        *(({"trace_id": "a"}, [(100.0, 0.5)]), ({"trace_id": "a"}, [(100.0, 0.5)]))
    ]


def test_rejection_has_the_servers_message(prometheus: FakePrometheus) -> None:
    with pytest.raises(RejectedError, match="400: parse error: "):
        Prometheus(prometheus.url).instant("rate(", 0)


def test_unreachable_server_is_reported() -> None:
    with pytest.raises(UnavailableError, match="is the stack up"):
        Prometheus("http://127.0.0.1:9").instant("up", 0)


def loki_server(body: str) -> Peer:
    server = Peer()
    server.answer = lambda: Answer(body=body.encode())
    return server


def test_loki_answers_with_lines() -> None:
    server = loki_server(
        '{"data": {"resultType": "streams", "stats": {"summary": {"totalBytesProcessed": 70}},'
        ' "result": [{"stream": {"level": "INFO"}, "values": [["1700000000500000000", "hello"]]}]}}'
    )
    result = Loki(server.url).range("{}", SPAN, 5000)
    server.close()
    assert [(line.at, line.text, line.labels) for line in result.lines] == [
        (1_700_000_000.5, "hello", {"level": "INFO"})
    ]
    assert result.size == 70
    assert server.requests[0].query["step"] == "5000ms"


def test_scalar_and_nan_are_series() -> None:
    server = loki_server('{"data": {"resultType": "scalar", "result": [1, "NaN"]}}')
    [series] = Prometheus(server.url).instant("scalar(x)", 0).series
    server.close()
    assert math.isnan(series.points[0][1])
    assert not series.has_data


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_infinite_values_are_empty(value: float) -> None:
    assert QueryResult(series=[Series({}, [(1, value)])]).empty
    assert not QueryResult(series=[Series({}, [(1, value), (2, 0.0)])]).empty


def test_only_a_result_with_data_is_not_empty() -> None:
    assert QueryResult().empty
    assert not QueryResult(lines=[Line({}, 1, "")]).empty
