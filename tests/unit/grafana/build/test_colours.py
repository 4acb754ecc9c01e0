from __future__ import annotations

from itertools import pairwise

from grafana.build import colours


def test_no_two_series_share_a_colour() -> None:
    assert len(set(colours.SERIES)) == len(colours.SERIES)


def test_neighbours_differ_in_print() -> None:
    lightness = [_lightness(colour) for colour in colours.SERIES]
    assert all(abs(a - b) > 10 for a, b in pairwise(lightness))


def _lightness(colour: str) -> float:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue


def test_worse_severity_is_another_colour() -> None:
    assert len({colours.FINE, *colours.SEVERITY.values()}) == 4
