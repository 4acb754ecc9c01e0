"""Texts for values that represent a state, so that no state is shown by colour alone."""

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

# The text and the colour of each value; infinity represents all higher values.
ValueTexts = Mapping[float, tuple[str, str]]

UP: ValueTexts = {1: ("up", colours.FINE), 0: ("down", colours.VERMILLION)}
BREAKER: ValueTexts = {0: ("closed", colours.FINE), 1: ("open", colours.ORANGE)}
LATE: ValueTexts = {0: ("arrives", colours.FINE), 1: ("late", colours.VERMILLION)}
PAUSED: ValueTexts = {0: ("no", colours.FINE), 1: ("paused", colours.ORANGE)}
CIRCUIT: ValueTexts = {0: ("closed", colours.FINE), 1: ("open", colours.VERMILLION)}
RELOADED: ValueTexts = {1: ("reloaded", colours.FINE), 0: ("rejected", colours.ORANGE)}
FIRING: ValueTexts = {1: ("firing", colours.ORANGE)}
PENDING: ValueTexts = {1: ("pending", colours.SKY), 2: ("firing", colours.ORANGE)}
# Values above zero are shown as numbers.
NONE: ValueTexts = {0: ("none", colours.FINE), math.inf: ("", colours.VERMILLION)}
PROBE: ValueTexts = {1: ("answers", colours.FINE), 0: ("fails", colours.VERMILLION)}
DRILLED: ValueTexts = {1: ("passed", colours.FINE), 0: ("failed", colours.VERMILLION)}
FAULT: ValueTexts = {0: ("off", colours.FINE), 1: ("on", colours.ORANGE)}


def mappings(value_texts: ValueTexts) -> list[ValueMapping]:
    """Return Grafana's mappings of values to texts; NaN is shown as "no data".

    A value without a text is shown as a number, in the colour.
    """
    no_data_text = DashboardSpecialValueMapOptions(
        match=SpecialValueMatch.NULL_AND_NAN,
        result=ValueMappingResult(text="no data", color=colours.UNKNOWN),
    )
    shown = {
        f"{value:g}": ValueMappingResult(text=text, color=colour, index=index)
        for index, (value, (text, colour)) in enumerate(value_texts.items())
        if math.isfinite(value)
    }
    return [
        *([ValueMap(shown)] if shown else []),
        *(
            _above(colour, max(shown))
            for value, (_, colour) in value_texts.items()
            if value == math.inf
        ),
        SpecialValueMap(no_data_text),
    ]


def _above(colour: str, value: str) -> RangeMap:
    """Return the mapping of all values above one; Grafana uses the first mapping that matches."""
    result = ValueMappingResult(color=colour)
    return RangeMap(DashboardRangeMapOptions(from_val=float(value), to=None, result=result))
