from typing import Any

from grafana.query_check.dashboard_file import Dashboard, parse
from grafana.query_check.selections import MAX_VALUES, Resolved, Selection, resolve, selections
from grafana.query_check.time_range import TimeRange
from grafana.query_check.variable_values import VariableContext
from tests.unit.grafana.samples import document, variable

MANY = {"multi": True, "includeAll": True}


def dashboard(**more: Any) -> Dashboard:
    return parse(document(templating={"list": [variable("one", "a,b,c", "custom", **more)]}))


def resolved(sample: Dashboard, selection: Selection) -> Resolved:
    return resolve(sample, selection, VariableContext({}, TimeRange(0, 1000), {}))


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
