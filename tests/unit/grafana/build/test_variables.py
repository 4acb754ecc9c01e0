from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import VariableHide

from grafana.build.variables import (
    ANY,
    custom_variable,
    instances,
    log_sources,
    responder,
    services,
    services_with_objective,
    text_variable,
)


def test_several_or_all_may_be_selected() -> None:
    for builder in (
        services(),
        services_with_objective(),
        log_sources(),
        instances(),
        custom_variable("level", ["INFO"]),
    ):
        variable = builder.build()
        assert (variable.include_all, variable.multi) == (True, True)
        assert variable.current
        assert variable.current.value == ["$__all"]


def test_all_services_have_targets() -> None:
    assert services().build().all_value is None
    assert log_sources().build().all_value == ANY


def test_instances_belong_to_the_selected_services() -> None:
    assert "$service" in (instances().build().definition or "")


def test_responder_variable_is_hidden() -> None:
    assert responder().build().hide == VariableHide.HIDE_VARIABLE


def test_custom_variable_has_its_values() -> None:
    variable = custom_variable("level", ["INFO", "ERROR"]).build()
    assert variable.query == "INFO,ERROR"
    assert [option.value for option in variable.options or []] == ["INFO", "ERROR"]


def test_text_is_empty_at_first() -> None:
    variable = text_variable("trace", "Trace id").build()
    assert (variable.name, variable.label, variable.query) == ("trace", "Trace id", "")
