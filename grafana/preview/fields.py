"""What a panel's options say of its values: names, units, colours, words."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..proof.answer import Series
from .gather import Shown, Told
from .units import written

REFERENCE = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")
Json = Mapping[str, Any]


def defaults(shown: Shown) -> Json:
    """Return the options that hold for every value of a panel."""
    found: Json = shown.panel.raw.get("fieldConfig", {}).get("defaults", {})
    return found


def name(told: Told, series: Series) -> str:
    """Return how a series is called, as its query's legend has it."""
    legend = told.asked.target.raw.get("legendFormat") or ""
    if legend in ("", "__auto"):
        return ", ".join(series.labels.values()) or told.asked.target.expr
    return REFERENCE.sub(lambda found: series.labels.get(found[1], ""), legend)


def override(shown: Shown, matcher: str, options: str, wanted: str) -> Any:
    """Return a property that is overridden for a field or a query, None where it is not."""
    for one in shown.panel.raw.get("fieldConfig", {}).get("overrides", ()):
        if (one["matcher"]["id"], one["matcher"].get("options")) == (matcher, options):
            for found in one["properties"]:
                if found["id"] == wanted:
                    return found["value"]
    return None


def unit(shown: Shown, field: str = "", ref: str = "") -> str:
    """Return the unit of a field: its own, else the panel's."""
    own = override(shown, "byName", field, "unit") or override(shown, "byFrameRefID", ref, "unit")
    return str(own or defaults(shown).get("unit", "short"))


def words(shown: Shown, value: float, field: str = "") -> str:
    """Return what a value is written as: its mapping, else in its unit."""
    mapped = mapping(shown, value, field)
    return (
        str(mapped["text"]) if mapped and mapped.get("text") else written(value, unit(shown, field))
    )


def mapping(shown: Shown, value: float, field: str = "") -> Json | None:
    """Return the mapping of a field's value, if there is one: its own, else the panel's."""
    own = override(shown, "byName", field, "mappings")
    for one in own or defaults(shown).get("mappings", ()):
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
    nothing = one["type"] == "special" and "nan" in str(options.get("match"))
    return options["result"] if nothing and math.isnan(value) else None


def steps(shown: Shown) -> Sequence[tuple[float, str]]:
    """Return the thresholds in order; the first, from which all begin, is minus infinity."""
    found = defaults(shown).get("thresholds", {}).get("steps", ())
    return [
        (-math.inf if one.get("value") is None else float(one["value"]), one["color"])
        for one in found
    ]


def colour(shown: Shown, value: float) -> str:
    """Return the colour of a value: its mapping's, else that of the threshold that it is over."""
    mapped = mapping(shown, value)
    if mapped and mapped.get("color"):
        return str(mapped["color"])
    passed = [one for limit, one in steps(shown) if not value < limit]
    return passed[-1] if passed else "#999999"


def lines_at(shown: Shown) -> Sequence[tuple[float, str]]:
    """Return the thresholds that are drawn as lines."""
    style = defaults(shown).get("custom", {}).get("thresholdsStyle", {}).get("mode", "off")
    return [one for one in steps(shown) if math.isfinite(one[0])] if style != "off" else []


def reduced(shown: Shown, series: Series) -> float:
    """Return the one value that a panel shows of a series: the last that is one, if not another."""
    calcs = (
        shown.panel.raw.get("options", {}).get("reduceOptions", {}).get("calcs", ["lastNotNull"])
    )
    values = [value for _, value in series.points if not math.isnan(value)]
    if not values:
        return math.nan
    if calcs[0] == "mean":
        return sum(values) / len(values)
    known: Mapping[str, Callable[[list[float]], float]] = {"max": max, "min": min, "sum": sum}
    return known[calcs[0]](values) if calcs[0] in known else values[-1]
