from typing import Any

import pytest

from grafana.proof.dashboard import Variable, parse
from grafana.proof.errors import ProofError
from grafana.proof.fill import Chosen
from grafana.proof.options import SkippedError, Surroundings, options
from grafana.proof.sources import Prometheus
from grafana.proof.span import Span
from tests.unit.grafana.samples import LOKI, document, variable
from tests.unit.grafana.store import FakePrometheus

SPAN = Span(0, 3_600_000)


def read(*words: Any, **more: Any) -> Variable:
    return parse(document(templating={"list": [variable("one", *words, **more)]})).variables[0]


def around(url: str = "http://127.0.0.1:9") -> Surroundings:
    return Surroundings({"prometheus": Prometheus(url), "loki": None}, SPAN, {"__range": "3600s"})


def test_label_values_are_asked_for(prometheus: FakePrometheus) -> None:
    asked = {"query": 'label_values(up{job="services"}, service)'}
    assert options(read(asked), {}, around(prometheus.url)) == ["chat", "web"]


def test_query_result_is_read_by_regex(prometheus: FakePrometheus) -> None:
    wanted = read("query_result(up)", regex='/instance="(?<value>[^"]+)"/')
    assert options(wanted, {}, around(prometheus.url)) == ["web-1", "chat-1"]


def test_variable_asks_with_those_before(prometheus: FakePrometheus) -> None:
    chosen = {"service": Chosen(read("", multi=True), ["web"])}
    wanted = read('label_values(up{service=~"$service"}, instance)')
    assert options(wanted, chosen, around(prometheus.url)) == ["web-1"]


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
    assert options(read(query, kind, **more), {}, around()) == expected


def test_no_values_are_an_error(prometheus: FakePrometheus) -> None:
    with pytest.raises(ProofError, match="no values"):
        options(read("label_values(up, nobody)"), {}, around(prometheus.url))


def test_unknown_function_is_an_error(prometheus: FakePrometheus) -> None:
    with pytest.raises(ProofError, match="neither label_values"):
        options(read("label_valeus(up, service)"), {}, around(prometheus.url))


def test_missing_source_is_skipped() -> None:
    asked = {"type": 1, "label": "level", "stream": ""}
    with pytest.raises(SkippedError):
        options(read(asked, datasource=LOKI), {}, around())


def test_unknown_source_is_an_error() -> None:
    with pytest.raises(ProofError, match="no data source 'tempo'"):
        options(read("label_values(up, a)", datasource={"uid": "tempo"}), {}, around())
