from collections.abc import Sequence
from typing import Any

import pytest

from grafana.query_check.dashboard_file import Dashboard, QueryCheckError, Variable, parse
from grafana.query_check.data_sources import Prometheus
from grafana.query_check.interpolation import SelectedValue, SelectedValues
from grafana.query_check.times import TimeRange
from grafana.query_check.variables import (
    MAX_VALUES,
    Resolved,
    Selection,
    SkippedError,
    resolve,
    selections,
    variable_values,
)
from tests.unit.grafana.fake_prometheus import FakePrometheus
from tests.unit.grafana.samples import LOKI, document, variable

SPAN = TimeRange(0, 3_600_000)


def read(*query: Any, **more: Any) -> Variable:
    return parse(document(templating={"list": [variable("one", *query, **more)]})).variables[0]


def values_of(
    variable: Variable,
    url: str = "http://127.0.0.1:9",
    selected: SelectedValues | None = None,
) -> Sequence[str]:
    """Return the values of a variable, of a Prometheus at an address."""
    sources = {"prometheus": Prometheus(url), "loki": None}
    return variable_values(variable, selected or {}, sources, SPAN)


def test_label_values_are_queried(prometheus: FakePrometheus) -> None:
    query = {"query": 'label_values(up{job="services"}, service)'}
    assert values_of(read(query), prometheus.url) == ["chat", "web"]


def test_variable_depends_on_those_before(prometheus: FakePrometheus) -> None:
    selected = {"service": SelectedValue(read("", multi=True), ["web"])}
    wanted = read('label_values(up{service=~"$service"}, instance)')
    assert values_of(wanted, prometheus.url, selected) == ["web-1"]


@pytest.mark.parametrize(
    ("query", "kind", "expected"),
    [("b, a", "custom", ["b", "a"]), ("words", "textbox", ["words"]), ("", "textbox", [""])],
)
def test_kinds_of_variables(query: str, kind: str, expected: list[str]) -> None:
    assert values_of(read(query, kind)) == expected


@pytest.mark.parametrize(
    ("query", "fields", "message"),
    [
        ("label_values(up, unknown)", {}, "no values"),
        ("label_valeus(up, service)", {}, "unsupported query"),
        ("1m", {"kind": "interval"}, "unsupported kind of variable: interval"),
        (
            "label_values(up, a)",
            {"datasource": {"type": "tempo", "uid": "tempo"}},
            "no data source",
        ),
    ],
)
def test_variable_without_values_is_an_error(
    prometheus: FakePrometheus, query: str, fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(QueryCheckError, match=message):
        values_of(read(query, **fields), prometheus.url)


def test_missing_source_is_skipped() -> None:
    with pytest.raises(SkippedError):
        values_of(read("label_values(level)", datasource=LOKI))


MANY = {"multi": True, "includeAll": True}


def dashboard(**more: Any) -> Dashboard:
    return parse(document(templating={"list": [variable("one", "a,b,c", "custom", **more)]}))


def resolved(sample: Dashboard, selection: Selection) -> Resolved:
    return resolve(sample, selection, {}, SPAN)


def values(sample: Dashboard, selection: Selection) -> list[str]:
    return list(resolved(sample, selection).selected_values["one"].values)


def test_each_value_is_selected_once() -> None:
    sample = dashboard(**MANY)
    assert [values(sample, Selection("one", "one", index)) for index in range(3)] == [
        ["a"],
        ["b"],
        ["c"],
    ]
    assert values(sample, Selection("several", "one", 2)) == ["c", "a"]


def test_other_variables_have_all() -> None:
    assert resolved(dashboard(**MANY), Selection("one", "another")).selected_values["one"].is_all


def test_all_is_all() -> None:
    selected = resolved(dashboard(**MANY), Selection("all")).selected_values["one"]
    assert (selected.is_all, list(selected.values)) == (True, ["a", "b", "c"])


def test_without_all_the_saved_value_is_selected() -> None:
    sample = dashboard(current={"value": "b"})
    assert values(sample, Selection("all")) == values(sample, Selection("default")) == ["b"]


def test_missing_saved_value_is_not_selected() -> None:
    assert values(dashboard(current={"value": "z"}), Selection("default")) == ["a"]
    assert resolved(dashboard(**MANY), Selection("default")).selected_values["one"].is_all


def test_preset_value_is_used() -> None:
    assert values(dashboard(), Selection("one", "one", 1, {"one": "z"})) == ["z"]


def test_unresolved_variable_is_reported() -> None:
    result = resolved(
        parse(document(templating={"list": [variable("x", "", "query")]})), Selection("all")
    )
    assert [value.variable.name for value in result.unresolved] == ["x"]


def test_number_of_selections_is_limited() -> None:
    assert len(list(selections(dashboard(**MANY), {"one": 100}, {}))) == 1 + 2 * MAX_VALUES
    assert len(list(selections(dashboard(), {"one": 3}, {}))) == 1 + 3
    assert len(list(selections(parse(document(templating={})), {}, {}))) == 1


def test_fixed_variable_has_no_selection() -> None:
    assert resolved(dashboard(**MANY), Selection("all")).counts == {"one": 3}
    assert resolved(dashboard(), Selection("all", presets={"one": "a"})).counts == {}
    typed = parse(document(templating={"list": [variable("one", "", "textbox")]}))
    assert resolved(typed, Selection("all")).counts == {}
