"""The axis of time below a picture, in UTC."""

from __future__ import annotations

from datetime import UTC

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

from ...proof.span import Span
from ..look import FAINT, SMALL

DAY = 86400.0
MS = 1000


def days(at: float) -> float:
    """Return seconds since 1970 as matplotlib counts dates."""
    return at / DAY


def time_axis(axes: Axes, span: Span) -> None:
    """Have the axis show a span, and nothing around the picture but faint numbers."""
    locator = AutoDateLocator(minticks=3, maxticks=9, tz=UTC)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=UTC, show_offset=False))
    axes.set_xlim(days(span.start / MS), days(span.end / MS))
    axes.tick_params(labelsize=SMALL, colors=FAINT, length=0)
    for side in axes.spines.values():
        side.set_visible(False)
