"""Apply a panel's field options: names, units, colours, value texts."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..query_check.results import Series
from .panel_data import PanelData, QueryData
from .units import format_value

REFERENCE = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")
Json = Mapping[str, Any]


def defaults(panel_data: PanelData) -> Json:
    """Return the default field options of a panel."""
    found: Json = panel_data.panel.raw.get("fieldConfig", {}).get("defaults", {})
    return found


def name(query: QueryData, series: Series) -> str:
    """Return the name of a series, from the legend of its query."""
    legend = query.panel_query.target.raw.get("legendFormat") or ""
    if legend in ("", "__auto"):
        return ", ".join(series.labels.values()) or query.panel_query.target.expr
    return REFERENCE.sub(lambda found: series.labels.get(found[1], ""), legend)


def override(panel_data: PanelData, matcher: str, options: str, wanted: str) -> Any:
    """Return an overridden property of a field or a query, else None."""
    for one in panel_data.panel.raw.get("fieldConfig", {}).get("overrides", ()):
        if (one["matcher"]["id"], one["matcher"].get("options")) == (matcher, options):
            for found in one["properties"]:
                if found["id"] == wanted:
                    return found["value"]
    return None


def unit(panel_data: PanelData, field: str = "", ref: str = "") -> str:
    """Return the unit of a field: its own, else the panel's."""
    own = override(panel_data, "byName", field, "unit") or override(
        panel_data, "byFrameRefID", ref, "unit"
    )
    return str(own or defaults(panel_data).get("unit", "short"))


def value_text(panel_data: PanelData, value: float, field: str = "") -> str:
    """Return the text of a value: its mapping, else the value with its unit."""
    mapped = mapping(panel_data, value, field)
    return (
        str(mapped["text"])
        if mapped and mapped.get("text")
        else format_value(value, unit(panel_data, field))
    )


def mapping(panel_data: PanelData, value: float, field: str = "") -> Json | None:
    """Return the mapping of a field's value, if there is one: its own, else the panel's."""
    own = override(panel_data, "byName", field, "mappings")
    for one in own or defaults(panel_data).get("mappings", ()):
        found = _mapped(one, value)
        if found is not None:
            return found
    return None


def _mapped(one: Json, value: float) -> Json | None:
    options = one.get("options", {})
    if one["type"] == "value":
        found: Json | None = options.get(f"{value:g}")
        return found
    if one["type"] == "range":
        low, high = options.get("from"), options.get("to")
        inside = (low is None or value >= low) and (high is None or value <= high)
        return options["result"] if inside else None
    unsupported = one["type"] == "special" and "nan" in str(options.get("match"))
    return options["result"] if unsupported and math.isnan(value) else None


def steps(panel_data: PanelData) -> Sequence[tuple[float, str]]:
    """Return the thresholds in ascending order; the first is minus infinity."""
    found = defaults(panel_data).get("thresholds", {}).get("steps", ())
    return [
        (-math.inf if one.get("value") is None else float(one["value"]), one["color"])
        for one in found
    ]


def colour(panel_data: PanelData, value: float) -> str:
    """Return the colour of a value: its mapping's, else that of its threshold."""
    mapped = mapping(panel_data, value)
    if mapped and mapped.get("color"):
        return str(mapped["color"])
    passed = [one for limit, one in steps(panel_data) if not value < limit]
    return passed[-1] if passed else "#999999"


def lines_at(panel_data: PanelData) -> Sequence[tuple[float, str]]:
    """Return the thresholds that are drawn as lines."""
    style = defaults(panel_data).get("custom", {}).get("thresholdsStyle", {}).get("mode", "off")
    return [one for one in steps(panel_data) if math.isfinite(one[0])] if style != "off" else []


def reduced(panel_data: PanelData, series: Series) -> float:
    """Return the value of a series that a panel shows: the last non-null one by default."""
    calcs = (
        panel_data.panel.raw.get("options", {})
        .get("reduceOptions", {})
        .get("calcs", ["lastNotNull"])
    )
    values = [value for _, value in series.points if not math.isnan(value)]
    if not values:
        return math.nan
    if calcs[0] == "mean":
        return sum(values) / len(values)
    known: Mapping[str, Callable[[list[float]], float]] = {"max": max, "min": min, "sum": sum}
    return known[calcs[0]](values) if calcs[0] in known else values[-1]
