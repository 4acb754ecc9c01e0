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
    options: Json = panel_data.panel.raw.get("fieldConfig", {}).get("defaults", {})
    return options


def name(query: QueryData, series: Series) -> str:
    """Return the name of a series, from the legend of its query."""
    legend = query.panel_query.target.raw.get("legendFormat") or ""
    if legend in ("", "__auto"):
        return ", ".join(series.labels.values()) or query.panel_query.target.expr
    return REFERENCE.sub(lambda match: series.labels.get(match[1], ""), legend)


def override(panel_data: PanelData, matcher: str, options: str, property_id: str) -> Any:
    """Return an overridden property of a field or a query, else None."""
    for item in panel_data.panel.raw.get("fieldConfig", {}).get("overrides", ()):
        if (item["matcher"]["id"], item["matcher"].get("options")) == (matcher, options):
            for field_property in item["properties"]:
                if field_property["id"] == property_id:
                    return field_property["value"]
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
    for item in own or defaults(panel_data).get("mappings", ()):
        result = _mapped(item, value)
        if result is not None:
            return result
    return None


def _mapped(item: Json, value: float) -> Json | None:
    options = item.get("options", {})
    if item["type"] == "value":
        result: Json | None = options.get(f"{value:g}")
        return result
    if item["type"] == "range":
        low, high = options.get("from"), options.get("to")
        inside = (low is None or value >= low) and (high is None or value <= high)
        return options["result"] if inside else None
    maps_nan = item["type"] == "special" and "nan" in str(options.get("match"))
    return options["result"] if maps_nan and math.isnan(value) else None


def steps(panel_data: PanelData) -> Sequence[tuple[float, str]]:
    """Return the thresholds in ascending order; the first is minus infinity."""
    thresholds = defaults(panel_data).get("thresholds", {}).get("steps", ())
    return [
        (-math.inf if item.get("value") is None else float(item["value"]), item["color"])
        for item in thresholds
    ]


def colour(panel_data: PanelData, value: float) -> str:
    """Return the colour of a value: its mapping's, else that of its threshold."""
    mapped = mapping(panel_data, value)
    if mapped and mapped.get("color"):
        return str(mapped["color"])
    passed = [shade for limit, shade in steps(panel_data) if not value < limit]
    return passed[-1] if passed else "#999999"


def lines_at(panel_data: PanelData) -> Sequence[tuple[float, str]]:
    """Return the thresholds that are drawn as lines."""
    style = defaults(panel_data).get("custom", {}).get("thresholdsStyle", {}).get("mode", "off")
    return [item for item in steps(panel_data) if math.isfinite(item[0])] if style != "off" else []


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
    reducers: Mapping[str, Callable[[list[float]], float]] = {"max": max, "min": min, "sum": sum}
    return reducers[calcs[0]](values) if calcs[0] in reducers else values[-1]
