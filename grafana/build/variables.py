"""The variables of the dashboards."""

from __future__ import annotations

from collections.abc import Sequence

from grafana_foundation_sdk.builders.dashboard import (
    CustomVariable,
    QueryVariable,
    TextBoxVariable,
)
from grafana_foundation_sdk.models.dashboard import (
    VariableHide,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from .queries import PROMETHEUS

# Matches any value, where a list of all values would be long.
ANY = ".+"
ALL = VariableOption(text=["All"], value=["$__all"], selected=True)


def services() -> QueryVariable:
    """Return the variable of services: all targets of the job `services`."""
    return _label_variable("service", 'label_values(up{job="services"}, service)')


def services_with_objective() -> QueryVariable:
    """Return the variable of services that have an objective."""
    return _label_variable("service", "label_values(service:objective:ratio, service)")


def log_sources() -> QueryVariable:
    """Return the variable of services that log; All includes those that are not scraped."""
    variable = _label_variable("service", 'label_values(up{job!~"load|pushed"}, service)')
    return variable.all_value(ANY)


def instances() -> QueryVariable:
    """Return the variable of instances of the selected services."""
    return _label_variable("instance", 'label_values(up{service=~"$service"}, instance)')


def responder() -> QueryVariable:
    """Return the hidden variable with the URL of the responder, which serves the runbooks."""
    name = "responder"
    query = "label_values(responder_info, url)"
    return _query_variable(name, query).hide(VariableHide.HIDE_VARIABLE)


def _label_variable(name: str, query: str) -> QueryVariable:
    return (
        _query_variable(name, query)
        .label(name.capitalize())
        .multi(True)
        .include_all(True)
        .current(ALL)
    )


def _query_variable(name: str, query: str) -> QueryVariable:
    return (
        QueryVariable(name)
        .datasource(PROMETHEUS)
        .query({"query": query, "refId": f"variable-{name}"})
        .definition(query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
    )


def custom_variable(name: str, values: Sequence[str]) -> CustomVariable:
    """Return a variable with the given values, of which several can be selected."""
    return (
        CustomVariable(name)
        .label(name.capitalize())
        .values(",".join(values))
        .options([VariableOption(text=value, value=value, selected=False) for value in values])
        .multi(True)
        .include_all(True)
        .all_value(ANY)
        .current(ALL)
    )


def text_variable(name: str, label: str) -> TextBoxVariable:
    """Return a text box, initially empty."""
    empty = VariableOption(text="", value="", selected=True)
    return TextBoxVariable(name).label(label).default_value("").current(empty).options([empty])
