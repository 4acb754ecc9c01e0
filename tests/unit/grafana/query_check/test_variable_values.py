from typing import Any

import pytest

from grafana.query_check.dashboard_file import Variable, parse
from grafana.query_check.data_source_clients import Prometheus
from grafana.query_check.errors import QueryCheckError
from grafana.query_check.interpolation import SelectedValue
from grafana.query_check.time_range import TimeRange
from grafana.query_check.variable_values import SkippedError, VariableContext, variable_values
from tests.unit.grafana.fake_prometheus import FakePrometheus
from tests.unit.grafana.samples import LOKI, document, variable

SPAN = TimeRange(0, 3_600_000)


def read(*query: Any, **more: Any) -> Variable:
    return parse(document(templating={"list": [variable("one", *query, **more)]})).variables[0]


def context(url: str = "http://127.0.0.1:9") -> VariableContext:
    return VariableContext(
        {"prometheus": Prometheus(url), "loki": None}, SPAN, {"__range": "3600s"}
    )


def test_label_values_are_queried(prometheus: FakePrometheus) -> None:
    panel_query = {"query": 'label_values(up{job="services"}, service)'}
    assert variable_values(read(panel_query), {}, context(prometheus.url)) == ["chat", "web"]


def test_query_result_is_read_by_regex(prometheus: FakePrometheus) -> None:
    wanted = read("query_result(up)", regex='/instance="(?<value>[^"]+)"/')
    assert variable_values(wanted, {}, context(prometheus.url)) == ["web-1", "chat-1"]


def test_variable_depends_on_those_before(prometheus: FakePrometheus) -> None:
    selected = {"service": SelectedValue(read("", multi=True), ["web"])}
    wanted = read('label_values(up{service=~"$service"}, instance)')
    assert variable_values(wanted, selected, context(prometheus.url)) == ["web-1"]


@pytest.mark.parametrize(
    ("query", "kind", "more", "expected"),
    [
        ("a, b : c,d\\,e", "custom", {}, ["a", "c", "d,e"]),
        ("1m,10m", "interval", {}, ["1m", "10m"]),
        ("1m", "interval", {"auto": True, "auto_count": 60}, ["1m"]),
        ("words", "textbox", {}, ["words"]),
        ("5", "constant", {}, ["5"]),
        ("prometheus", "datasource", {}, ["prometheus"]),
        ("b,a", "custom", {"sort": 1}, ["a", "b"]),
        ("a2,a10", "custom", {"sort": 4}, ["a10", "a2"]),
        ("web-1,lb-1", "custom", {"regex": "/^web/"}, ["web-1"]),
    ],
)
def test_kinds_of_variables(
    query: str, kind: str, more: dict[str, Any], expected: list[str]
) -> None:
    assert variable_values(read(query, kind, **more), {}, context()) == expected


def test_no_values_are_an_error(prometheus: FakePrometheus) -> None:
    with pytest.raises(QueryCheckError, match="no values"):
        variable_values(read("label_values(up, unknown)"), {}, context(prometheus.url))


def test_unknown_function_is_an_error(prometheus: FakePrometheus) -> None:
    with pytest.raises(QueryCheckError, match="unsupported query"):
        variable_values(read("label_valeus(up, service)"), {}, context(prometheus.url))


def test_missing_source_is_skipped() -> None:
    panel_query = {"type": 1, "label": "level", "stream": ""}
    with pytest.raises(SkippedError):
        variable_values(read(panel_query, datasource=LOKI), {}, context())


def test_unknown_source_is_an_error() -> None:
    with pytest.raises(QueryCheckError, match="no data source 'tempo'"):
        variable_values(read("label_values(up, a)", datasource={"uid": "tempo"}), {}, context())
