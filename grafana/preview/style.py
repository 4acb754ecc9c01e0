"""The colours and sizes of the drawn panels."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

from matplotlib.colors import to_rgb

# Okabe and Ito's palette for colour-blind people.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
INK, FAINT, GRID, PAPER, BACK = "#222222", "#767676", "#E3E3E3", "#FFFFFF", "#F2F3F5"
TITLE, TEXT, SMALL = 8.5, 7.0, 6.2


def shades(colour: str, count: int) -> Sequence[str | tuple[float, float, float]]:
    """Return shades of a colour, from dark to light."""
    if count == 1:
        return [colour]
    hue, light, full = colorsys.rgb_to_hls(*to_rgb(colour))
    low, high = light * 0.6, light + (1 - light) * 0.55
    steps = [low + (high - low) * index / (count - 1) for index in range(count)]
    return [colorsys.hls_to_rgb(hue, lightness, full) for lightness in steps]


def palette(count: int) -> Sequence[str]:
    """Return colours, repeated if there are more than in the palette."""
    return [COLOURS[index % len(COLOURS)] for index in range(count)]
