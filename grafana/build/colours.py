"""Colours for colour-blind people, too: Okabe and Ito's palette.

https://jfly.uni-koeln.de/color/ explains the palette. No meaning is shown by colour alone: states
also have a text, limits a line.
"""

from __future__ import annotations

ORANGE = "#E69F00"
SKY = "#56B4E9"
GREEN = "#009E73"
BLUE = "#0072B2"
VERMILLION = "#D55E00"
PURPLE = "#CC79A7"
GREY = "#999999"

# Alternately dark and light, so that neighbours also differ in print.
SERIES = (BLUE, ORANGE, GREEN, SKY, VERMILLION, PURPLE)

FINE = SKY
UNKNOWN = GREY
# Values beyond a limit, by the severity of the limit's alert.
SEVERITY = {"page": VERMILLION, "ticket": ORANGE, "none": GREY}
