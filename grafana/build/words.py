"""Words for values that stand for a state, so that no state is a colour alone."""

from __future__ import annotations

import math
from collections.abc import Mapping

from grafana_foundation_sdk.models.dashboard import (
    DashboardRangeMapOptions,
    DashboardSpecialValueMapOptions,
    RangeMap,
    SpecialValueMap,
    SpecialValueMatch,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)

from . import colours

# The word and the colour of each value; infinity stands for all that are above the others.
Words = Mapping[float, tuple[str, str]]

UP: Words = {1: ("up", colours.FINE), 0: ("down", colours.VERMILLION)}
BREAKER: Words = {0: ("closed", colours.FINE), 1: ("open", colours.ORANGE)}
LATE: Words = {0: ("arrives", colours.FINE), 1: ("late", colours.VERMILLION)}
PAUSED: Words = {0: ("no", colours.FINE), 1: ("paused", colours.ORANGE)}
CIRCUIT: Words = {0: ("closed", colours.FINE), 1: ("open", colours.VERMILLION)}
RELOADED: Words = {1: ("reloaded", colours.FINE), 0: ("refused", colours.ORANGE)}
FIRING: Words = {1: ("fires", colours.ORANGE)}
PENDING: Words = {1: ("pending", colours.SKY), 2: ("fires", colours.ORANGE)}
# Whatever is more than none is its number.
NONE: Words = {0: ("none", colours.FINE), math.inf: ("", colours.VERMILLION)}
PROBE: Words = {1: ("answers", colours.FINE), 0: ("fails", colours.VERMILLION)}
DRILLED: Words = {1: ("passed", colours.FINE), 0: ("failed", colours.VERMILLION)}
FAULT: Words = {0: ("off", colours.FINE), 1: ("on", colours.ORANGE)}


def mappings(words: Words) -> list[ValueMapping]:
    """Return what Grafana shows instead of the values; what is no number was not measured.

    A value without a word is shown as it is, in the colour.
    """
    absent = DashboardSpecialValueMapOptions(
        match=SpecialValueMatch.NULL_AND_NAN,
        result=ValueMappingResult(text="no data", color=colours.UNKNOWN),
    )
    shown = {
        f"{value:g}": ValueMappingResult(text=text, color=colour, index=place)
        for place, (value, (text, colour)) in enumerate(words.items())
        if math.isfinite(value)
    }
    return [
        *([ValueMap(shown)] if shown else []),
        *(_above(colour, max(shown)) for value, (_, colour) in words.items() if value == math.inf),
        SpecialValueMap(absent),
    ]


def _above(colour: str, value: str) -> RangeMap:
    """Return the mapping of all that is above a value; Grafana takes the first that holds."""
    result = ValueMappingResult(color=colour)
    return RangeMap(DashboardRangeMapOptions(from_val=float(value), to=None, result=result))
