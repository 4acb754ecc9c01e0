"""Colours that also work for people who see few of them: Okabe and Ito's palette.

https://jfly.uni-koeln.de/color/ has the palette and its reasons. None of them says anything alone:
states carry a word, limits a line.
"""

from __future__ import annotations

ORANGE = "#E69F00"
SKY = "#56B4E9"
GREEN = "#009E73"
BLUE = "#0072B2"
VERMILLION = "#D55E00"
PURPLE = "#CC79A7"
GREY = "#999999"

# Light and dark by turns, so that neighbours differ in print too.
SERIES = (BLUE, ORANGE, GREEN, SKY, VERMILLION, PURPLE)

FINE = SKY
UNKNOWN = GREY
# What is over a limit, by the severity of the alert that has the limit.
SEVERITY = {"page": VERMILLION, "ticket": ORANGE, "none": GREY}
