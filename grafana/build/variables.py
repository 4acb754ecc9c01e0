"""What a person may choose on a dashboard."""

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

# Whatever there is, where a list of all of it would be long.
ANY = ".+"
ALL = VariableOption(text=["All"], value=["$__all"], selected=True)


def services() -> QueryVariable:
    """Return the choice of services: whatever follows the contract is scraped as one."""
    return _labels("service", 'label_values(up{job="services"}, service)')


def promising() -> QueryVariable:
    """Return the choice of the services that have an objective."""
    return _labels("service", "label_values(service:objective:ratio, service)")


def parts() -> QueryVariable:
    """Return the choice of everything that logs; All is whatever does, scraped or not."""
    found = _labels("service", 'label_values(up{job!~"load|pushed"}, service)')
    return found.all_value(ANY)


def instances() -> QueryVariable:
    """Return the choice of instances of the services that are chosen."""
    return _labels("instance", 'label_values(up{service=~"$service"}, instance)')


def responder() -> QueryVariable:
    """Return where the responder is, which serves the runbooks; nobody chooses it."""
    name = "responder"
    query = "label_values(responder_info, url)"
    return _asked(name, query).hide(VariableHide.HIDE_VARIABLE)


def _labels(name: str, query: str) -> QueryVariable:
    return _asked(name, query).label(name.capitalize()).multi(True).include_all(True).current(ALL)


def _asked(name: str, query: str) -> QueryVariable:
    return (
        QueryVariable(name)
        .datasource(PROMETHEUS)
        .query({"query": query, "refId": f"variable-{name}"})
        .definition(query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
    )


def choice(name: str, values: Sequence[str]) -> CustomVariable:
    """Return a choice of some of the values, or all of them."""
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


def text(name: str, label: str) -> TextBoxVariable:
    """Return a field to type into, empty at first."""
    nothing = VariableOption(text="", value="", selected=True)
    return TextBoxVariable(name).label(label).default_value("").current(nothing).options([nothing])
