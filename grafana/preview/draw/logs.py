"""Draw a logs panel: log lines, the newest first."""

from __future__ import annotations

from datetime import UTC, datetime

from matplotlib.axes import Axes

from ...query_check.results import Line
from ..panel_data import PanelData
from ..style import FAINT, INK, SMALL
from .panel_text import blank, height, width

ROW, LETTER = 10.0, 0.6
# The colour of the stripe before a line, as in Grafana. The level's first letter is shown
# as well, so that the level does not depend on colour alone.
LEVELS = {"ERROR": "#D55E00", "CRITICAL": "#D55E00", "WARNING": "#E69F00", "INFO": "#56B4E9"}


def logs(axes: Axes, panel_data: PanelData) -> None:
    """Draw as many lines as fit."""
    blank(axes)
    lines = sorted(
        (line for query in panel_data.queries for line in query.result.lines),
        key=lambda line: -line.at,
    )
    fit = max(1, int(height(axes) / ROW))
    letters = int(width(axes) / (SMALL * LETTER))
    for index, line in enumerate(lines[:fit]):
        y = 1 - (index + 0.5) * ROW / height(axes)
        level = line.labels.get("level", "")
        colour = LEVELS.get(level, FAINT)
        axes.plot([0, 0], [y - 3 / height(axes), y + 3 / height(axes)], color=colour, linewidth=3)
        text = format_line(line)[:letters]
        axes.text(0.006, y, text, va="center", size=SMALL, family="monospace", color=INK)


def format_line(line: Line) -> str:
    """Return the time, the level's letter and the line, on one line."""
    when = datetime.fromtimestamp(line.at, UTC).strftime("%H:%M:%S.%f")[:-3]
    level = line.labels.get("level", "?")[:1]
    return f"{when} {level}  {' '.join(line.text.split())}"
