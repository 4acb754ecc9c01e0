"""A dashboard on one sheet, its panels where Grafana has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .draw import draw
from .gather import Page, Shown
from .look import BACK, FAINT, INK, PAPER, SMALL, TITLE

Json = Mapping[str, Any]
# A dashboard has 24 columns; these are points, for a sheet that is as wide as a screen.
COLUMN, ROW = 48.0, 27.0
HEAD = 46.0
GAP = 3.0
DOTS = 110
MARK = "preview, drawn by matplotlib, not Grafana"
# What a panel needs around its picture: left for numbers, below for the time and a legend.
ROOM: Mapping[str, tuple[float, float]] = {
    "timeseries": (44.0, 76.0),
    "state-timeline": (118.0, 16.0),
}
MS = 1000


def write(page: Page, folder: Path) -> Path:
    """Draw a page into `<uid>.png`; return the file."""
    figure = paint(page)
    file = folder / f"{page.dashboard.uid}.png"
    figure.savefig(file, dpi=DOTS)
    return file


def paint(page: Page) -> Figure:
    """Return the whole sheet."""
    wide = 24 * COLUMN
    grids = [shown.panel.raw["gridPos"] for shown in page.shown]
    high = HEAD + ROW * max((one["y"] + one["h"] for one in grids), default=1)
    figure = Figure(figsize=(wide / 72, high / 72), facecolor=BACK)
    _head(figure, page, high)
    for title, grid in _rows(page):
        figure.text(
            0.006, 1 - (HEAD + (grid["y"] + 0.6) * ROW) / high, title, size=TITLE + 1, weight="bold"
        )
    for shown in page.shown:
        _panel(figure, shown, high)
    return figure


def _rows(page: Page) -> Iterator[tuple[str, Json]]:
    for raw in page.dashboard.raw.get("panels", ()):
        if raw["type"] == "row":
            yield raw.get("title", ""), raw["gridPos"]


def _head(figure: Figure, page: Page, high: float) -> None:
    begin, end = (
        datetime.fromtimestamp(at / MS, UTC).strftime("%d %b %H:%M")
        for at in (page.span.start, page.span.end)
    )
    chosen = "   ".join(f"{name}: {value or '(empty)'}" for name, value in page.chosen.items())
    top = 1 - 14 / high
    figure.text(0.006, top, page.dashboard.title, size=13, weight="bold", va="center", color=INK)
    figure.text(
        0.994, top, MARK, size=TITLE, ha="right", va="center", color="#D55E00", style="italic"
    )
    second = 1 - 34 / high
    figure.text(0.006, second, chosen, size=SMALL + 1, va="center", color=FAINT)
    said = f"{begin} to {end} UTC"
    figure.text(0.994, second, said, size=SMALL + 1, ha="right", va="center", color=FAINT)


def _panel(figure: Figure, shown: Shown, high: float) -> None:
    grid, wide = shown.panel.raw["gridPos"], 24 * COLUMN
    left, width = grid["x"] * COLUMN + GAP, grid["w"] * COLUMN - 2 * GAP
    height = grid["h"] * ROW - 2 * GAP
    bottom = high - HEAD - grid["y"] * ROW - GAP - height
    box = (left / wide, bottom / high)
    figure.add_artist(Rectangle(box, width / wide, height / high, facecolor=PAPER, zorder=-1))
    title = _fitting(shown.title, width)
    figure.text(
        (left + 6) / wide, (bottom + height - 11) / high, title, size=TITLE, va="center", color=INK
    )
    before, below = ROOM.get(shown.panel.kind, (8.0, 6.0)) if not shown.empty else (8.0, 6.0)
    inner = (width - before - 10, max(height - below - 26, 12))
    axes = figure.add_axes(
        ((left + before) / wide, (bottom + below) / high, inner[0] / wide, inner[1] / high)
    )
    axes.set_facecolor(PAPER)
    draw(axes, shown)


def _fitting(title: str, width: float) -> str:
    """Return a title, cut with dots where Grafana would cut it too."""
    most = int(width / (TITLE * 0.53))
    return title if len(title) <= most else f"{title[: most - 1]}…"


def names(files: Sequence[Path]) -> str:
    """Return the names of files, for a sentence."""
    return ", ".join(file.name for file in files)
