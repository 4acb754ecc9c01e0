"""Draw a dashboard on one sheet, with the layout of Grafana."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .draw import draw
from .panel_data import Page, PanelData
from .style import BACK, FAINT, INK, PAPER, SMALL, TITLE

Json = Mapping[str, Any]
# The sizes of a column (of 24) and a row in points, for a sheet as wide as a screen.
COLUMN, ROW = 48.0, 27.0
HEAD = 46.0
GAP = 3.0
DOTS = 110
MARK = "preview, drawn by matplotlib, not Grafana"
# The margins of a panel in points: left for numbers, below for the time axis and the legend.
ROOM: Mapping[str, tuple[float, float]] = {
    "timeseries": (44.0, 76.0),
    "state-timeline": (118.0, 16.0),
}
MS_PER_S = 1000


def write(page: Page, folder: Path) -> Path:
    """Draw a page into `<uid>.png`; return the file."""
    figure = paint(page)
    file = folder / f"{page.dashboard.uid}.png"
    figure.savefig(file, dpi=DOTS)
    return file


def paint(page: Page) -> Figure:
    """Draw the whole sheet."""
    wide = 24 * COLUMN
    grids = [panel_data.panel.raw["gridPos"] for panel_data in page.panel_data]
    high = HEAD + ROW * max((grid["y"] + grid["h"] for grid in grids), default=1)
    figure = Figure(figsize=(wide / 72, high / 72), facecolor=BACK)
    _head(figure, page, high)
    for title, grid in _rows(page):
        figure.text(
            0.006, 1 - (HEAD + (grid["y"] + 0.6) * ROW) / high, title, size=TITLE + 1, weight="bold"
        )
    for panel_data in page.panel_data:
        _panel(figure, panel_data, high)
    return figure


def _rows(page: Page) -> Iterator[tuple[str, Json]]:
    for raw in page.dashboard.raw.get("panels", ()):
        if raw["type"] == "row":
            yield raw.get("title", ""), raw["gridPos"]


def _head(figure: Figure, page: Page, high: float) -> None:
    begin, end = (
        datetime.fromtimestamp(at / MS_PER_S, UTC).strftime("%d %b %H:%M")
        for at in (page.time_range.start, page.time_range.end)
    )
    chosen = "   ".join(f"{name}: {value or '(empty)'}" for name, value in page.chosen.items())
    top = 1 - 14 / high
    figure.text(0.006, top, page.dashboard.title, size=13, weight="bold", va="center", color=INK)
    figure.text(
        0.994, top, MARK, size=TITLE, ha="right", va="center", color="#D55E00", style="italic"
    )
    second = 1 - 34 / high
    figure.text(0.006, second, chosen, size=SMALL + 1, va="center", color=FAINT)
    time_text = f"{begin} to {end} UTC"
    figure.text(0.994, second, time_text, size=SMALL + 1, ha="right", va="center", color=FAINT)


def _panel(figure: Figure, panel_data: PanelData, high: float) -> None:
    grid, wide = panel_data.panel.raw["gridPos"], 24 * COLUMN
    left, width = grid["x"] * COLUMN + GAP, grid["w"] * COLUMN - 2 * GAP
    height = grid["h"] * ROW - 2 * GAP
    bottom = high - HEAD - grid["y"] * ROW - GAP - height
    box = (left / wide, bottom / high)
    figure.add_artist(Rectangle(box, width / wide, height / high, facecolor=PAPER, zorder=-1))
    title = _fitting(panel_data.title, width)
    figure.text(
        (left + 6) / wide, (bottom + height - 11) / high, title, size=TITLE, va="center", color=INK
    )
    before, below = (
        ROOM.get(panel_data.panel.kind, (8.0, 6.0)) if not panel_data.empty else (8.0, 6.0)
    )
    inner = (width - before - 10, max(height - below - 26, 12))
    axes = figure.add_axes(
        ((left + before) / wide, (bottom + below) / high, inner[0] / wide, inner[1] / high)
    )
    axes.set_facecolor(PAPER)
    draw(axes, panel_data)


def _fitting(title: str, width: float) -> str:
    """Return a title, truncated where Grafana would truncate it."""
    most = int(width / (TITLE * 0.53))
    return title if len(title) <= most else f"{title[: most - 1]}…"


def names(files: Sequence[Path]) -> str:
    """Return the names of files, for a sentence."""
    return ", ".join(file.name for file in files)
