"""Log lines, the newest first."""

from __future__ import annotations

from datetime import UTC, datetime

from matplotlib.axes import Axes

from ...proof.answer import Line
from ..gather import Shown
from ..look import FAINT, INK, SMALL
from .words import blank, height, width

ROW, LETTER = 10.0, 0.6
# A stripe before the line, as Grafana has it, and the level's first letter, for it is not told by
# colour alone.
LEVELS = {"ERROR": "#D55E00", "CRITICAL": "#D55E00", "WARNING": "#E69F00", "INFO": "#56B4E9"}


def logs(axes: Axes, shown: Shown) -> None:
    """Write as many lines as fit."""
    blank(axes)
    lines = sorted(
        (line for told in shown.told for line in told.answer.lines), key=lambda one: -one.at
    )
    fit = max(1, int(height(axes) / ROW))
    letters = int(width(axes) / (SMALL * LETTER))
    for place, line in enumerate(lines[:fit]):
        y = 1 - (place + 0.5) * ROW / height(axes)
        level = line.labels.get("level", "")
        colour = LEVELS.get(level, FAINT)
        axes.plot([0, 0], [y - 3 / height(axes), y + 3 / height(axes)], color=colour, linewidth=3)
        said = said_of(line)[:letters]
        axes.text(0.006, y, said, va="center", size=SMALL, family="monospace", color=INK)


def said_of(line: Line) -> str:
    """Return the time, the level's letter and the line, on one line."""
    when = datetime.fromtimestamp(line.at, UTC).strftime("%H:%M:%S.%f")[:-3]
    level = line.labels.get("level", "?")[:1]
    return f"{when} {level}  {' '.join(line.text.split())}"
