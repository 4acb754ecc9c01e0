"""Words in the place of a picture."""

from __future__ import annotations

import textwrap

from matplotlib.axes import Axes

from ..gather import Shown
from ..look import FAINT, INK, TEXT, TITLE


def blank(axes: Axes) -> None:
    """Take away all lines and numbers, so that a unit is the panel's width and height."""
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)


def width(axes: Axes) -> float:
    """Return how many points wide a panel is."""
    figure = axes.get_figure()
    assert figure is not None
    return float(axes.get_position().width * figure.get_figwidth() * 72)  # type: ignore[union-attr]


def height(axes: Axes) -> float:
    """Return how many points high a panel is."""
    figure = axes.get_figure()
    assert figure is not None
    return float(axes.get_position().height * figure.get_figheight() * 72)  # type: ignore[union-attr]


def wrapped(axes: Axes, said: str, size: float) -> str:
    """Return a text in lines that fit; a letter is about half as wide as it is high."""
    return textwrap.fill(said, max(10, int(width(axes) / (size * 0.55))))


def no_data(axes: Axes, why: str) -> None:
    """Say that there is nothing, and why."""
    blank(axes)
    axes.text(0.5, 0.5, wrapped(axes, why, TITLE), ha="center", va="center", color=FAINT)


def nothing(axes: Axes, why: str) -> None:
    """Say that only Grafana could draw it."""
    blank(axes)
    said = wrapped(axes, why, TEXT)
    axes.text(0.5, 0.5, said, ha="center", va="center", color=FAINT, size=TEXT, style="italic")


def text(axes: Axes, shown: Shown) -> None:
    """Write a panel's own text."""
    blank(axes)
    content = str(shown.panel.raw.get("options", {}).get("content", ""))
    axes.text(0, 1, wrapped(axes, content, TEXT), va="top", color=INK, size=TEXT)
