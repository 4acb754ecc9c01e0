"""Apply a panel's field options: names, units, colours, value texts; format values."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ..query_check.data_sources import Series
from .panel_data import PanelData, QueryData

REFERENCE = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")
Json = Mapping[str, Any]
BINARY = ("B", "KiB", "MiB", "GiB", "TiB")
DECIMAL = ("", " K", " Mil", " Bil")
# Seconds in the units of time, largest first.
TIMES = ((604800.0, "w"), (86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))
ENDS = {"reqps": " req/s", "ops": " ops/s", "short": ""}


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


def unit(panel_data: PanelData, field: str = "") -> str:
    """Return the unit of a field: its own, else the panel's."""
    own = override(panel_data, "byName", field, "unit")
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


def thresholds(panel_data: PanelData) -> Sequence[tuple[float, str]]:
    """Return the thresholds in ascending order; the first is minus infinity."""
    return [
        (-math.inf if item.get("value") is None else float(item["value"]), item["color"])
        for item in defaults(panel_data).get("thresholds", {}).get("steps", ())
    ]


def colour(panel_data: PanelData, value: float) -> str:
    """Return the colour of a value: its mapping's, else that of its threshold."""
    mapped = mapping(panel_data, value)
    if mapped and mapped.get("color"):
        return str(mapped["color"])
    passed = [shade for limit, shade in thresholds(panel_data) if not value < limit]
    return passed[-1] if passed else "#999999"


def last(series: Series) -> float:
    """Return the last value of a series that is a number."""
    values = [value for _, value in series.points if not math.isnan(value)]
    return values[-1] if values else math.nan


def format_value(value: float, unit: str) -> str:
    """Format a value with a unit of Grafana; unknown units are omitted."""
    if not math.isfinite(value):
        return "no data" if math.isnan(value) else f"{value:g}"
    if unit == "percentunit":
        return f"{_short(value * 100)} %"
    if unit in ("bytes", "binBps"):
        return _scaled(value, BINARY, 1024) + ("/s" if unit == "binBps" else "")
    if unit == "dateTimeFromNow":  # in milliseconds; absolute, because a picture is read later
        return f"{datetime.fromtimestamp(value / 1000, UTC):%d %b %H:%M} UTC"
    if unit == "s":
        return _time(value)
    return f"{_scaled(value, DECIMAL, 1000).strip()}{ENDS.get(unit, '')}"


def _scaled(value: float, steps: Sequence[str], base: int) -> str:
    index = 0
    while abs(value) >= base and index < len(steps) - 1:
        value, index = value / base, index + 1
    step = steps[index]
    gap = " " if step in BINARY else ""
    return f"{_short(value)}{gap}{step}"


def _time(value: float) -> str:
    size = abs(value)
    if size >= 1 or size == 0:
        length, name = next((entry for entry in TIMES if size >= entry[0]), TIMES[-1])
        return f"{_short(value / length)} {name}"
    if size >= 1e-3:
        return f"{_short(value * 1e3)} ms"
    return f"{_short(value * 1e6)} µs"


def _short(value: float) -> str:
    """Return at most three significant digits, without trailing zeros."""
    text = f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{float(text):g}"
