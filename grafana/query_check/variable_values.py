"""The possible values of a variable, determined as in Grafana."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import value_formats
from .dashboard_file import Source, Variable
from .data_source_clients import DataSource, Loki
from .durations import format_duration, milliseconds, round_interval
from .errors import QueryCheckError
from .interpolation import SelectedValues, interpolate, interpolate_builtins
from .results import Series
from .time_range import TimeRange

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


@dataclass(frozen=True)
class VariableContext:
    """The context of a variable's query.

    `sources` has the data sources by uid, None for an unavailable one.
    """

    sources: Sources
    time_range: TimeRange
    builtins: Mapping[str, str]


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
        selector = interpolate(query.get("stream", ""), selected_values, value_formats.loki)
        return source.label_values(query["label"], selector, context.time_range)
    text = query.get("query", "") if isinstance(query, Mapping) else query
    style = value_formats.loki if source.kind == "loki" else value_formats.prometheus
    return _by_function(
        interpolate_builtins(interpolate(text, selected_values, style), context.builtins),
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
    uid = interpolate(source.uid, selected_values, value_formats.glob)
    if uid not in sources:
        raise QueryCheckError(
            f"no data source {uid!r}: known data sources are {', '.join(sources)}"
        )
    source_ = sources[uid]
    if source_ is None:
        raise SkippedError(f"data source {uid!r} is not available")
    return source_


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
