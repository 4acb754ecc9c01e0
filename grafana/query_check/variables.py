"""The values of a dashboard's variables, determined as in Grafana, and selections of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from . import interpolation
from .dashboard_file import Dashboard, QueryCheckError, Source, Variable
from .data_sources import DataSource, Loki, Series
from .interpolation import SelectedValue, SelectedValues, interpolate, interpolate_builtins
from .times import (
    StepInput,
    TimeRange,
    format_duration,
    milliseconds,
    prometheus,
    round_interval,
    time_range,
)

LABEL_VALUES = re.compile(r"label_values\((?:(?P<selector>.+),)?\s*(?P<label>\w+)\s*\)", re.DOTALL)
QUERY_RESULT = re.compile(r"query_result\((?P<expr>.+)\)", re.DOTALL)
# A value, or `text : value`; a comma inside is escaped.
CUSTOM = re.compile(r"(?:\\,|[^,])+")
AUTO = "auto"
# Loki's variable editor numbers its kinds; this one is the values of a label.
LOKI_LABEL_VALUES = 1
# Grafana's defaults for `auto` of an interval variable: the number of points, and the minimum.
AUTO_COUNT = 30
AUTO_MIN = "10s"

Sources = Mapping[str, DataSource | None]
Mode = Literal["default", "all", "one", "several"]
MODES: Sequence[Mode] = ("all", "one", "several")
# The number of values to check; the others are assumed to behave alike.
MAX_VALUES = 6
# Kinds of variables without a selection.
FIXED_KINDS = ("textbox", "constant")


@dataclass(frozen=True)
class VariableContext:
    """The context of a variable's query.

    `sources` has the data sources by uid, None for an unavailable one.
    """

    sources: Sources
    time_range: TimeRange
    builtins: Mapping[str, str]


def variable_context(dashboard: Dashboard, sources: Sources, now: int) -> VariableContext:
    """Return the context of the variables of a dashboard, as of `now` (ms)."""
    shown = time_range(*dashboard.times, now)
    _, builtins = prometheus(StepInput(shown, 5000, 0, 1000))
    return VariableContext(sources, shown, builtins)


class SkippedError(QueryCheckError):
    """The data source is not available."""


def variable_values(
    variable: Variable, selected_values: SelectedValues, context: VariableContext
) -> Sequence[str]:
    """Return the values in Grafana's order; `selected_values` are those of earlier variables.

    Raises `QueryCheckError` where there are none.
    """
    values = _values(variable, selected_values, context)
    if variable.raw.get("regex"):
        values = _matching(values, variable.raw["regex"])
    unique = _sorted(list(dict.fromkeys(values)), int(variable.raw.get("sort") or 0))
    if not unique:
        raise QueryCheckError("the variable has no values")
    return unique


def _values(
    variable: Variable, selected_values: SelectedValues, context: VariableContext
) -> Sequence[str]:
    if variable.kind == "query":
        return _query_values(variable, selected_values, context)
    if variable.kind == "datasource":
        return [
            uid for uid, item in context.sources.items() if item and item.kind == variable.query
        ]
    if variable.kind in ("custom", "interval"):
        listed = [_value(item) for item in CUSTOM.findall(str(variable.query))]
        return [_auto(variable, context), *listed] if variable.raw.get(AUTO) else listed
    if variable.kind in ("textbox", "constant"):
        return [str(variable.query)]
    raise QueryCheckError(f"unsupported kind of variable: {variable.kind}")


def _value(text: str) -> str:
    """Return the value of `text : value`, or of one that is both."""
    return text.replace("\\,", ",").split(" : ")[-1].strip()


def _auto(variable: Variable, context: VariableContext) -> str:
    """Return the value of `auto`: the range per point, at least the minimum."""
    count = int(variable.raw.get("auto_count") or AUTO_COUNT)
    min_interval = milliseconds(variable.raw.get("auto_min") or AUTO_MIN)
    return format_duration(max(min_interval, round_interval(context.time_range.width / count)))


def _query_values(
    variable: Variable, selected_values: SelectedValues, context: VariableContext
) -> Sequence[str]:
    source = resolve_source(_source_of(variable), selected_values, context.sources)
    query = variable.query
    if isinstance(source, Loki) and isinstance(query, Mapping):
        if query.get("type") != LOKI_LABEL_VALUES:
            raise QueryCheckError("unsupported variable of Loki: only label values are supported")
        selector = interpolate(query.get("stream", ""), selected_values, interpolation.loki)
        return source.label_values(query["label"], selector, context.time_range)
    text = query.get("query", "") if isinstance(query, Mapping) else query
    value_format = interpolation.of_source(source.kind)
    return _by_function(
        interpolate_builtins(interpolate(text, selected_values, value_format), context.builtins),
        source,
        context.time_range,
    )


def _by_function(text: str, source: DataSource, time_range: TimeRange) -> Sequence[str]:
    if match := LABEL_VALUES.fullmatch(text.strip()):
        return source.label_values(match["label"], (match["selector"] or "").strip(), time_range)
    if match := QUERY_RESULT.fullmatch(text.strip()):
        series = source.instant(match["expr"], time_range.end).series
        return [_row(item) for item in series]
    raise QueryCheckError(f"unsupported query {text!r}: use label_values(...) or query_result(...)")


def _row(series: Series) -> str:
    """Return a series in the format of query_result: name, labels, value, milliseconds."""
    labels = {name: value for name, value in series.labels.items() if name != "__name__"}
    inside = ",".join(f'{name}="{value}"' for name, value in labels.items())
    at, value = series.points[-1]
    return f"{series.labels.get('__name__', '')}{{{inside}}} {value:g} {at * 1000:.0f}"


def _source_of(variable: Variable) -> Source:
    raw = variable.raw.get("datasource")
    if isinstance(raw, Mapping):
        return Source(raw.get("type", ""), raw.get("uid", ""))
    return Source("", raw or "prometheus")


def resolve_source(source: Source, selected_values: SelectedValues, sources: Sources) -> DataSource:
    """Return a data source; raise `SkippedError` if unavailable, `QueryCheckError` if unknown."""
    uid = interpolate(source.uid, selected_values, interpolation.glob)
    if uid not in sources:
        raise QueryCheckError(
            f"no data source {uid!r}: known data sources are {', '.join(sources)}"
        )
    if (available := sources[uid]) is None:
        raise SkippedError(f"data source {uid!r} is not available")
    return available


def _matching(values: Sequence[str], pattern: str) -> Sequence[str]:
    """Return the values that match a variable's regex, or their captures."""
    inner = pattern.strip()
    if inner.startswith("/"):
        inner = inner[1 : inner.rindex("/")]
    inner = inner.replace("(?<", "(?P<")  # JavaScript's way to name a group
    matches = [re.search(inner, value) for value in values]
    return [_captured(match) for match in matches if match]


def _captured(match: re.Match[str]) -> str:
    groups = match.groupdict()
    if "value" in groups:
        return str(groups["value"])
    return str(match[1]) if match.groups() else match.string


def _sorted(values: Sequence[str], order: int) -> Sequence[str]:
    """Sort values by Grafana's numbers: odd is ascending, even descending, 0 keeps the order.

    1 and 2 are by name, 3 and 4 by the first number, 5 and 6 by name without case.
    """
    if order == 0:
        return values
    return sorted(values, key=lambda value: _key(value, order), reverse=order % 2 == 0)


def _key(value: str, order: int) -> tuple[float, str]:
    if order in (3, 4):
        number = re.search(r"\d+", value)
        return (float(number[0]) if number else -1.0, "")
    return (0.0, value if order in (1, 2) else value.lower())


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


def resolve(dashboard: Dashboard, selection: Selection, context: VariableContext) -> Resolved:
    """Resolve the variables in order, since one may depend on those before it."""
    selected_values: dict[str, SelectedValue] = {}
    unresolved: list[Unresolved] = []
    counts: dict[str, int] = {}
    for variable in dashboard.variables:
        is_fixed = variable.kind in FIXED_KINDS or variable.name in selection.presets
        try:
            typed = selection.presets.get(variable.name)
            values = (
                [typed]
                if typed is not None
                else variable_values(variable, selected_values, context)
            )
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
        return SelectedValue(
            variable, list(dict.fromkeys([value, values[(selection.index + 1) % len(values)]]))
        )
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
