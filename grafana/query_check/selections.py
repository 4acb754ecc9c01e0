"""Selections of a dashboard's variables: the initial values, All, one value, several values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from .dashboard_file import Dashboard, Variable
from .errors import QueryCheckError
from .interpolation import SelectedValue, SelectedValues
from .variable_values import SkippedError, VariableContext, variable_values

Mode = Literal["default", "all", "one", "several"]
MODES: Sequence[Mode] = ("all", "one", "several")
# The number of values to check; the others are assumed to behave alike.
MAX_VALUES = 6
# Kinds of variables without a selection.
FIXED_KINDS = ("textbox", "constant")


@dataclass(frozen=True)
class Selection:
    """One or several values of `variable`, and All of the other variables.

    `index` is the index of the value; in mode `several` the next value is selected too. `presets`
    are fixed values of variables, as if typed in.
    """

    mode: Mode
    variable: str = ""
    index: int = 0
    presets: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Unresolved:
    """A variable without values, and why. `skipped` means that its data source is missing."""

    variable: Variable
    why: str
    skipped: bool = False


@dataclass(frozen=True)
class Resolved:
    """The selected values, the number of values of each variable, and the failures."""

    selected_values: SelectedValues
    counts: Mapping[str, int]
    unresolved: Sequence[Unresolved]


def resolve(dashboard: Dashboard, selection: Selection, context: VariableContext) -> Resolved:
    """Resolve the variables in order, since one may depend on those before it."""
    selected_values: dict[str, SelectedValue] = {}
    unresolved: list[Unresolved] = []
    counts: dict[str, int] = {}
    for variable in dashboard.variables:
        try:
            values = _options(variable, selection, selected_values, context)
        except QueryCheckError as error:
            unresolved.append(Unresolved(variable, str(error), isinstance(error, SkippedError)))
            selected_values[variable.name] = SelectedValue(variable, [])
            continue
        selected_values[variable.name] = _selected(variable, values, selection)
        if _can_be_chosen(variable, values, selection):
            counts[variable.name] = len(values)
    return Resolved(selected_values, counts, unresolved)


def _can_be_chosen(variable: Variable, values: Sequence[str], selection: Selection) -> bool:
    """Return whether there is another selection than All."""
    is_set = variable.kind in FIXED_KINDS or variable.name in (selection.presets or {})
    return not is_set and (variable.several or len(values) > 1)


def _options(
    variable: Variable,
    selection: Selection,
    selected_values: SelectedValues,
    context: VariableContext,
) -> Sequence[str]:
    typed = (selection.presets or {}).get(variable.name)
    return [typed] if typed is not None else variable_values(variable, selected_values, context)


def _selected(variable: Variable, values: Sequence[str], selection: Selection) -> SelectedValue:
    if variable.kind in FIXED_KINDS or variable.name in (selection.presets or {}):
        return SelectedValue(variable, values)
    if selection.mode == "default":
        return _initial(variable, values)
    if selection.variable != variable.name:
        return _all(variable, values)
    value = values[selection.index % len(values)]
    if selection.mode == "several" and variable.multi:
        return SelectedValue(
            variable, list(dict.fromkeys([value, values[(selection.index + 1) % len(values)]]))
        )
    return SelectedValue(variable, [value])


def _all(variable: Variable, values: Sequence[str]) -> SelectedValue:
    if variable.include_all:
        return SelectedValue(variable, values, is_all=True)
    return SelectedValue(variable, values) if variable.multi else _initial(variable, values)


def _initial(variable: Variable, values: Sequence[str]) -> SelectedValue:
    """Return the current value of the document if it is valid, else All or the first value."""
    current = variable.raw.get("current", {}).get("value")
    listed = current if isinstance(current, list) else [current]
    kept = [value for value in listed if value in values]
    if kept:
        return SelectedValue(variable, kept)
    if variable.include_all:
        return SelectedValue(variable, values, is_all=True)
    return SelectedValue(variable, values[:1])


def selections(
    dashboard: Dashboard, counts: Mapping[str, int], presets: Mapping[str, str]
) -> Iterator[Selection]:
    """Yield the selections: All, then each value of each variable."""
    yield Selection("all", presets=presets)
    several = {value.name for value in dashboard.variables if value.multi}
    for name, count in counts.items():
        for index in range(min(count, MAX_VALUES)):
            yield Selection("one", name, index, presets)
            if name in several:
                yield Selection("several", name, index, presets)
