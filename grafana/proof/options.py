"""The values that a variable may have, found out as Grafana does."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import quote
from .answer import Series
from .dashboard import Source, Variable
from .durations import milliseconds, rounded, words
from .errors import ProofError
from .fill import Choice, built_in, fill
from .sources import DataSource, Loki
from .span import Span

LABEL_VALUES = re.compile(r"label_values\((?:(?P<selector>.+),)?\s*(?P<label>\w+)\s*\)", re.DOTALL)
QUERY_RESULT = re.compile(r"query_result\((?P<expr>.+)\)", re.DOTALL)
# A value, or `text : value`; a comma inside is escaped.
CUSTOM = re.compile(r"(?:\\,|[^,])+")
AUTO = "auto"
# Loki's editor of variables numbers its kinds; this one is the values of a label.
LABEL_VALUES_OF_LOKI = 1
# How many points a variable `auto` of intervals aims at, and its least, where it says neither.
AUTO_COUNT = 30
AUTO_LEAST = "10s"

Sources = Mapping[str, DataSource | None]


@dataclass(frozen=True)
class Surroundings:
    """What a variable's own query is filled and asked with.

    `sources` has each data source by its uid, None for one that is not here.
    """

    sources: Sources
    span: Span
    own: Mapping[str, str]


class SkippedError(ProofError):
    """The data source is not here."""


def options(variable: Variable, choice: Choice, around: Surroundings) -> Sequence[str]:
    """Return the values in Grafana's order; `choice` is what variables before it have.

    Raises `ProofError` where there are none.
    """
    found = _found(variable, choice, around)
    if variable.raw.get("regex"):
        found = _matching(found, variable.raw["regex"])
    unique = _sorted(list(dict.fromkeys(found)), int(variable.raw.get("sort") or 0))
    if not unique:
        raise ProofError("It has no values.")
    return unique


def _found(variable: Variable, choice: Choice, around: Surroundings) -> Sequence[str]:
    if variable.kind == "query":
        return _asked(variable, choice, around)
    if variable.kind == "datasource":
        return [uid for uid, one in around.sources.items() if one and one.kind == variable.query]
    if variable.kind in ("custom", "interval"):
        listed = [_value(one) for one in CUSTOM.findall(str(variable.query))]
        return [_auto(variable, around), *listed] if variable.raw.get(AUTO) else listed
    if variable.kind in ("textbox", "constant"):
        return [str(variable.query)]
    raise ProofError(f"Variables of the kind {variable.kind} are not known here.")


def _value(text: str) -> str:
    """Return the value of `text : value`, or of one that is both."""
    return text.replace("\\,", ",").split(" : ")[-1].strip()


def _auto(variable: Variable, around: Surroundings) -> str:
    """Return what `auto` stands for: the span in so many points, and not below its least."""
    count = int(variable.raw.get("auto_count") or AUTO_COUNT)
    least = milliseconds(variable.raw.get("auto_min") or AUTO_LEAST)
    return words(max(least, rounded(around.span.width / count)))


def _asked(variable: Variable, choice: Choice, around: Surroundings) -> Sequence[str]:
    source = asked_of(_source_of(variable), choice, around.sources)
    wanted = variable.query
    if isinstance(source, Loki) and isinstance(wanted, Mapping):
        if wanted.get("type") != LABEL_VALUES_OF_LOKI:
            raise ProofError("Of Loki, values of a label are all that is known here.")
        selector = fill(wanted.get("stream", ""), choice, quote.loki)
        return source.label_values(wanted["label"], selector, around.span)
    text = wanted.get("query", "") if isinstance(wanted, Mapping) else wanted
    style = quote.loki if source.kind == "loki" else quote.prometheus
    return _by_function(built_in(fill(text, choice, style), around.own), source, around.span)


def _by_function(text: str, source: DataSource, span: Span) -> Sequence[str]:
    if found := LABEL_VALUES.fullmatch(text.strip()):
        return source.label_values(found["label"], (found["selector"] or "").strip(), span)
    if found := QUERY_RESULT.fullmatch(text.strip()):
        series = source.instant(found["expr"], span.end).series
        return [_row(one) for one in series]
    raise ProofError(f"{text!r} is neither label_values(...) nor query_result(...).")


def _row(series: Series) -> str:
    """Return a series as query_result shows it: name, labels, value, milliseconds."""
    labels = {name: value for name, value in series.labels.items() if name != "__name__"}
    inside = ",".join(f'{name}="{value}"' for name, value in labels.items())
    at, value = series.points[-1]
    return f"{series.labels.get('__name__', '')}{{{inside}}} {value:g} {at * 1000:.0f}"


def _source_of(variable: Variable) -> Source:
    raw = variable.raw.get("datasource")
    if isinstance(raw, Mapping):
        return Source(raw.get("type", ""), raw.get("uid", ""))
    return Source("", raw or "prometheus")


def asked_of(source: Source, choice: Choice, sources: Sources) -> DataSource:
    """Return who is asked; raise `SkippedError` where it is not here, `ProofError` for others."""
    uid = fill(source.uid, choice, quote.glob)
    if uid not in sources:
        raise ProofError(f"There is no data source {uid!r}: there are {', '.join(sources)}.")
    found = sources[uid]
    if found is None:
        raise SkippedError(f"There is no {uid} here.")
    return found


def _matching(values: Sequence[str], pattern: str) -> Sequence[str]:
    """Return what a variable's regex makes of its values: what it captures, if anything."""
    inner = pattern.strip()
    if inner.startswith("/"):
        inner = inner[1 : inner.rindex("/")]
    inner = inner.replace("(?<", "(?P<")  # JavaScript's way to name a group
    found = [re.search(inner, value) for value in values]
    return [_captured(one) for one in found if one]


def _captured(found: re.Match[str]) -> str:
    groups = found.groupdict()
    if "value" in groups:
        return str(groups["value"])
    return str(found[1]) if found.groups() else found.string


def _sorted(values: Sequence[str], order: int) -> Sequence[str]:
    """Return values as Grafana's numbers say: odd ones go up, even ones down, 0 keeps the order.

    1 and 2 are by name, 3 and 4 by the first number, 5 and 6 by name without case.
    """
    if order == 0:
        return values
    return sorted(values, key=lambda value: _key(value, order), reverse=order % 2 == 0)


def _key(value: str, order: int) -> tuple[float, str]:
    if order in (3, 4):
        found = re.search(r"\d+", value)
        return (float(found[0]) if found else -1.0, "")
    return (0.0, value if order in (1, 2) else value.lower())
