from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertdrill.clients.loki import Loki
from alertdrill.clients.prometheus import Line, Prometheus, counter_increase
from tests.http_server import FakeServer

AT = "2026-11-23T10:20:30.5"


@pytest.fixture
def prometheus(server: FakeServer) -> Prometheus:
    return Prometheus(server.url)


def data(value: object) -> dict[str, object]:
    return {"status": "success", "data": value}


def vector(*values: str) -> dict[str, object]:
    result = [{"metric": {"n": str(n)}, "value": [1, text]} for n, text in enumerate(values)]
    return data({"resultType": "vector", "result": result})


def test_query_returns_the_samples(server: FakeServer, prometheus: Prometheus) -> None:
    server.answers["/api/v1/query"] = vector("1", "2")
    assert [row["value"][1] for row in prometheus.query("up > 0")] == ["1", "2"]
    assert server.requests[0].query == {"query": "up > 0"}


def test_query_at_takes_a_time(server: FakeServer, prometheus: Prometheus) -> None:
    server.answers["/api/v1/query"] = vector("1")
    assert len(prometheus.query("up", 1795429230.5)) == 1
    assert server.requests[0].query == {"query": "up", "time": "1795429230.500"}


def test_targets_without_a_fresh_scrape_are_named(
    server: FakeServer, prometheus: Prometheus
) -> None:
    names = {"web-1": "web", "web-2": "web", "web-3": "web", "lb-1": "lb"}
    targets = [{"labels": {"instance": name, "service": names[name]}} for name in names]
    server.answers["/api/v1/targets"] = data({"activeTargets": targets[:2] + targets[3:]})
    # web-3 has a sample of a minute ago, but it is no target any more.
    fresh = [{"metric": {"instance": "web-1"}, "value": [1, "1000"]}]
    server.answers["/api/v1/query"] = data({"resultType": "vector", "result": fresh})
    assert prometheus.not_scraped_since(["web"], 990) == ["web-2"]


def test_scalar_counts_as_one_sample(server: FakeServer, prometheus: Prometheus) -> None:
    server.answers["/api/v1/query"] = data({"resultType": "scalar", "result": [1, "3.5"]})
    assert prometheus.value("3.5") == 3.5


def test_value_is_the_first_sample(server: FakeServer, prometheus: Prometheus) -> None:
    server.answers["/api/v1/query"] = vector("7", "8")
    assert prometheus.value("up") == 7
    server.answers["/api/v1/query"] = vector()
    assert prometheus.value("up") is None


def test_range_query_covers_the_span(server: FakeServer, prometheus: Prometheus) -> None:
    rows = [{"metric": {"a": "b"}, "values": [[1, "2"], [1.5, "NaN"]]}]
    server.answers["/api/v1/query_range"] = data({"resultType": "matrix", "result": rows})
    (line,) = prometheus.query_range("up", (1.0, 1.5), 0.5)
    assert (line.labels, line.points[0]) == (Line({"a": "b"}, []).labels, (1.0, 2.0))
    assert server.requests[0].query == {"query": "up", "start": "1.0", "end": "1.5", "step": "0.5"}


def test_rule_is_read_from_the_evaluator(server: FakeServer, prometheus: Prometheus) -> None:
    active = {
        "state": "firing",
        "labels": {"alertname": "Down"},
        # Go writes nanoseconds.
        "activeAt": f"{AT}12345678Z",
        "value": "1e+00",
    }
    rule = {
        "name": "Down",
        "query": "up == 0",
        "duration": 60,
        "alerts": [active],
        "lastError": "no",
    }
    server.answers["/api/v1/rules"] = data({"groups": [{"interval": 5, "rules": [rule]}]})
    rule_state = prometheus.rule("Down")
    assert rule_state
    assert (rule_state.query, rule_state.hold, rule_state.error) == ("up == 0", 60, "no")
    assert rule_state.alerts[0].active_at == pytest.approx(1795429230.5, abs=0.1)
    assert server.requests[0].query == {"type": "alert", "rule_name[]": "Down"}


def test_missing_rule_is_none(server: FakeServer, prometheus: Prometheus) -> None:
    server.answers["/api/v1/rules"] = data({"groups": []})
    assert prometheus.rule("Down") is None


def test_ruler_has_the_api_of_prometheus(server: FakeServer) -> None:
    other, mine = (
        {"name": name, "query": f"({name} > 1)", "duration": 5, "alerts": None}
        for name in ("Up", "Down")
    )
    groups = [{"interval": 0.417, "rules": [other, mine]}]
    server.answers["/prometheus/api/v1/rules"] = data({"groups": groups})
    server.answers["/prometheus/api/v1/alerts"] = data({"alerts": None})
    server.answers["/loki/api/v1/query"] = vector("7")
    ruler = Loki(server.url)
    rule_state = ruler.rule("Down")
    assert rule_state
    assert (rule_state.query, rule_state.hold, rule_state.alerts) == ("(Down > 1)", 5, [])
    assert ruler.firing_alerts() == []
    assert len(ruler.query("vector(7)")) == 1


def test_ruler_may_have_no_rules_yet(server: FakeServer) -> None:
    server.answers["/prometheus/api/v1/rules"] = data({"groups": None})
    assert Loki(server.url).rule("Down") is None


def test_pending_alerts_do_not_fire(server: FakeServer, prometheus: Prometheus) -> None:
    alerts = [{"state": state, "labels": {"alertname": state}} for state in ("pending", "firing")]
    server.answers["/api/v1/alerts"] = data({"alerts": alerts})
    assert prometheus.firing_alerts() == [{"alertname": "firing"}]


def test_scrape_interval_comes_from_the_loaded_configuration(
    server: FakeServer, prometheus: Prometheus
) -> None:
    server.answers["/api/v1/status/config"] = data({"yaml": "global: {scrape_interval: 417ms}"})
    assert prometheus.scrape_interval() == pytest.approx(0.417)


def row(instance: str, values: list[tuple[float, float]]) -> dict[str, Any]:
    return {
        "metric": {"instance": instance},
        "values": [[moment, str(value)] for moment, value in values],
    }


def test_increase_starts_at_the_given_time() -> None:
    starts = [row("web-1", [(1, 0.5), (2, 0.5), (3, 0.5)])]
    assert counter_increase([row("web-1", [(1, 5), (2, 7), (3, 10)])], starts, since=2.5) == 3


def test_new_instance_counts_from_zero() -> None:
    starts = [row("web-3", [(5, 4.0), (6, 4.0)])]
    assert counter_increase([row("web-3", [(5, 2), (6, 9)])], starts, since=1) == 9


def test_restart_is_detected_by_start_time_even_if_the_count_is_higher() -> None:
    starts = [row("web-1", [(1, 0.5), (9, 8.0)])]
    assert counter_increase([row("web-1", [(1, 5), (9, 6)])], starts, since=2) == 6


def test_increase_without_a_start_time_is_the_difference() -> None:
    assert counter_increase([row("lb-1", [(1, 5), (9, 6)])], [], since=2) == 1


@given(st.lists(st.lists(st.integers(0, 50), min_size=1), min_size=1))
def test_increase_adds_up_over_restarts(runs: list[list[int]]) -> None:
    # A run is the list of increases between scrapes until the next restart.
    counted: list[tuple[float, float]] = []
    starts: list[tuple[float, float]] = []
    moment = 0
    for number, run in enumerate(runs):
        total = 0
        for increase in run:
            total, moment = total + increase, moment + 1
            counted.append((moment, total))
            starts.append((moment, float(number)))
    assert counter_increase([row("web-1", counted)], [row("web-1", starts)], 0) == sum(
        map(sum, runs)
    )
