from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import VariableHide

from grafana.build.variables import (
    ANY,
    choice,
    instances,
    parts,
    promising,
    responder,
    services,
    text,
)


def test_several_or_all_may_be_chosen() -> None:
    for made in (services(), promising(), parts(), instances(), choice("level", ["INFO"])):
        found = made.build()
        assert (found.include_all, found.multi) == (True, True)
        assert found.current
        assert found.current.value == ["$__all"]


def test_all_services_are_those_that_are_there() -> None:
    assert services().build().all_value is None
    assert parts().build().all_value == ANY


def test_instances_are_of_the_chosen_services() -> None:
    assert "$service" in (instances().build().definition or "")


def test_nobody_chooses_the_responder() -> None:
    assert responder().build().hide == VariableHide.HIDE_VARIABLE


def test_choice_has_its_values() -> None:
    found = choice("level", ["INFO", "ERROR"]).build()
    assert found.query == "INFO,ERROR"
    assert [option.value for option in found.options or []] == ["INFO", "ERROR"]


def test_text_is_empty_at_first() -> None:
    found = text("trace", "Trace id").build()
    assert (found.name, found.label, found.query) == ("trace", "Trace id", "")
