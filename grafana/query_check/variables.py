"""The values of a dashboard's variables, determined as in Grafana, and selections of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from .dashboard_file import Dashboard, QueryCheckError, Variable
from .data_sources import DataSource
from .interpolation import SelectedValue, SelectedValues, interpolate
from .times import TimeRange

LABEL_VALUES = re.compile(r"label_values\((?:(?P<selector>.+),)?\s*(?P<label>\w+)\s*\)", re.DOTALL)
# The data sources by uid, None for an unavailable one.
Sources = Mapping[str, DataSource | None]
Mode = Literal["default", "all", "one", "several"]
MODES: Sequence[Mode] = ("all", "one", "several")
# The number of values to check; the others are assumed to behave alike.
MAX_VALUES = 6


class SkippedError(QueryCheckError):
    """The data source is not available."""


def variable_values(
    variable: Variable, selected_values: SelectedValues, sources: Sources, shown: TimeRange
) -> Sequence[str]:
    """Return the values in Grafana's order; `selected_values` are those of earlier variables.

    Raises `QueryCheckError` where there are none.
    """
    if variable.kind == "textbox":
        return [variable.query]
    if variable.kind == "custom":
        values: Sequence[str] = [item.strip() for item in variable.query.split(",") if item]
    elif variable.kind == "query":
        values = _label_values(variable, selected_values, sources, shown)
    else:
        raise QueryCheckError(f"unsupported kind of variable: {variable.kind}")
    if not values:
        raise QueryCheckError("the variable has no values")
    return values


def _label_values(
    variable: Variable, selected_values: SelectedValues, sources: Sources, shown: TimeRange
) -> Sequence[str]:
    raw = variable.raw["datasource"]
    source = resolve_source(raw["uid"], sources)
    filled = interpolate(variable.query, selected_values, raw["type"]).strip()
    match = LABEL_VALUES.fullmatch(filled)
    if match is None:
        raise QueryCheckError(f"unsupported query {filled!r}: use label_values(...)")
    selector = (match["selector"] or "").strip()
    return sorted(source.label_values(match["label"], selector, shown))


def resolve_source(uid: str, sources: Sources) -> DataSource:
    """Return a data source; raise `SkippedError` if unavailable, `QueryCheckError` if unknown."""
    if uid not in sources:
        uids = ", ".join(sources)
        raise QueryCheckError(f"no data source {uid!r}: known data sources are {uids}")
    if (available := sources[uid]) is None:
        raise SkippedError(f"data source {uid!r} is not available")
    return available


@dataclass(frozen=True)
class Selection:
    """One or several values of `variable`, and All of the other variables.

    `index` is the index of the value; in mode `several` the next value is selected too. `presets`
    are fixed values of variables, as if typed in.
    """

    mode: Mode
    variable: str = ""
    index: int = 0
    presets: Mapping[str, str] = field(default_factory=dict)


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


def resolve(
    dashboard: Dashboard, selection: Selection, sources: Sources, shown: TimeRange
) -> Resolved:
    """Resolve the variables in order, since one may depend on those before it.

    Their values are those of the time range `shown`.
    """
    selected_values: dict[str, SelectedValue] = {}
    unresolved: list[Unresolved] = []
    counts: dict[str, int] = {}
    for variable in dashboard.variables:
        is_fixed = variable.kind == "textbox" or variable.name in selection.presets
        try:
            if variable.name in selection.presets:
                values: Sequence[str] = [selection.presets[variable.name]]
            else:
                values = variable_values(variable, selected_values, sources, shown)
        except QueryCheckError as error:
            unresolved.append(Unresolved(variable, str(error), isinstance(error, SkippedError)))
            selected_values[variable.name] = SelectedValue(variable, [])
            continue
        if is_fixed:
            selected_values[variable.name] = SelectedValue(variable, values)
            continue
        selected_values[variable.name] = _selected(variable, values, selection)
        if variable.several or len(values) > 1:
            counts[variable.name] = len(values)
    return Resolved(selected_values, counts, unresolved)


def _selected(variable: Variable, values: Sequence[str], selection: Selection) -> SelectedValue:
    if selection.mode == "default":
        return _initial(variable, values)
    if selection.variable != variable.name:
        if variable.include_all:
            return SelectedValue(variable, values, is_all=True)
        return SelectedValue(variable, values) if variable.multi else _initial(variable, values)
    value = values[selection.index % len(values)]
    if selection.mode == "several" and variable.multi:
        neighbour = values[(selection.index + 1) % len(values)]
        return SelectedValue(variable, list(dict.fromkeys([value, neighbour])))
    return SelectedValue(variable, [value])


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
