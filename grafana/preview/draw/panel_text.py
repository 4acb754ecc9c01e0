"""Draw the text in a panel: text panels, and messages instead of data."""

from __future__ import annotations

import textwrap

from matplotlib.axes import Axes

from ..panel_data import PanelData
from ..style import FAINT, INK, TEXT, TITLE


def blank(axes: Axes) -> None:
    """Remove lines and numbers, so that coordinates are fractions of the panel."""
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)


def width(axes: Axes) -> float:
    """Return the width of a panel in points."""
    figure = axes.get_figure()
    assert figure is not None
    return float(axes.get_position().width * figure.get_figwidth() * 72)  # type: ignore[union-attr]


def height(axes: Axes) -> float:
    """Return the height of a panel in points."""
    figure = axes.get_figure()
    assert figure is not None
    return float(axes.get_position().height * figure.get_figheight() * 72)  # type: ignore[union-attr]


def wrapped(axes: Axes, message: str, size: float) -> str:
    """Wrap a text to the panel; a letter is about half as wide as it is high."""
    return textwrap.fill(message, max(10, int(width(axes) / (size * 0.55))))


def no_data(axes: Axes, why: str) -> None:
    """Draw the reason for missing data."""
    blank(axes)
    axes.text(0.5, 0.5, wrapped(axes, why, TITLE), ha="center", va="center", color=FAINT)


def unsupported(axes: Axes, why: str) -> None:
    """Draw a message for a kind of panel that only Grafana supports."""
    blank(axes)
    message = wrapped(axes, why, TEXT)
    axes.text(0.5, 0.5, message, ha="center", va="center", color=FAINT, size=TEXT, style="italic")


def text(axes: Axes, panel_data: PanelData) -> None:
    """Draw a text panel."""
    blank(axes)
    content = str(panel_data.panel.raw.get("options", {}).get("content", ""))
    axes.text(0, 1, wrapped(axes, content, TEXT), va="top", color=INK, size=TEXT)
