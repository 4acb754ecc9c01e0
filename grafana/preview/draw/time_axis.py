"""Draw the time axis of a panel, in UTC."""

from __future__ import annotations

from datetime import UTC

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

from ...query_check.time_range import TimeRange
from ..style import FAINT, SMALL

DAY = 86400.0
MS_PER_S = 1000


def days(at: float) -> float:
    """Convert seconds since 1970 to matplotlib's dates."""
    return at / DAY


def time_axis(axes: Axes, time_range: TimeRange) -> None:
    """Set the range of the axis, and remove the frame."""
    locator = AutoDateLocator(minticks=3, maxticks=9, tz=UTC)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=UTC, show_offset=False))
    axes.set_xlim(days(time_range.start / MS_PER_S), days(time_range.end / MS_PER_S))
    axes.tick_params(labelsize=SMALL, colors=FAINT, length=0)
    for side in axes.spines.values():
        side.set_visible(False)
