from typing import Any

from grafana.proof.choose import MOST, Picked, Wish, pick, wishes
from grafana.proof.dashboard import Dashboard, parse
from grafana.proof.options import Surroundings
from grafana.proof.span import Span
from tests.unit.grafana.samples import document, variable

MANY = {"multi": True, "includeAll": True}


def dashboard(**more: Any) -> Dashboard:
    return parse(document(templating={"list": [variable("one", "a,b,c", "custom", **more)]}))


def picked(found: Dashboard, wish: Wish) -> Picked:
    return pick(found, wish, Surroundings({}, Span(0, 1000), {}))


def values(found: Dashboard, wish: Wish) -> list[str]:
    return list(picked(found, wish).choice["one"].values)


def test_each_value_has_its_turn() -> None:
    found = dashboard(**MANY)
    assert [values(found, Wish("one", "one", turn)) for turn in range(3)] == [["a"], ["b"], ["c"]]
    assert values(found, Wish("several", "one", 2)) == ["c", "a"]


def test_other_variables_have_all() -> None:
    assert picked(dashboard(**MANY), Wish("one", "another")).choice["one"].is_all


def test_all_is_all() -> None:
    chosen = picked(dashboard(**MANY), Wish("all")).choice["one"]
    assert (chosen.is_all, list(chosen.values)) == (True, ["a", "b", "c"])


def test_without_all_it_opens_as_saved() -> None:
    found = dashboard(current={"value": "b"})
    assert values(found, Wish("all")) == values(found, Wish("default")) == ["b"]


def test_saved_value_that_is_gone_is_not_chosen() -> None:
    assert values(dashboard(current={"value": "z"}), Wish("default")) == ["a"]
    assert picked(dashboard(**MANY), Wish("default")).choice["one"].is_all


def test_what_is_typed_in_counts() -> None:
    assert values(dashboard(), Wish("one", "one", 1, {"one": "z"})) == ["z"]


def test_broken_variable_is_told() -> None:
    found = picked(parse(document(templating={"list": [variable("x", "", "query")]})), Wish("all"))
    assert [one.variable.name for one in found.broken] == ["x"]


def test_turns_end() -> None:
    assert len(list(wishes(dashboard(**MANY), {"one": 100}, {}))) == 1 + 2 * MOST
    assert len(list(wishes(dashboard(), {"one": 3}, {}))) == 1 + 3
    assert len(list(wishes(parse(document(templating={})), {}, {}))) == 1


def test_what_has_no_choice_has_no_turn() -> None:
    assert picked(dashboard(**MANY), Wish("all")).counts == {"one": 3}
    assert picked(dashboard(), Wish("all", given={"one": "a"})).counts == {}
    typed = parse(document(templating={"list": [variable("one", "", "textbox")]}))
    assert picked(typed, Wish("all")).counts == {}
