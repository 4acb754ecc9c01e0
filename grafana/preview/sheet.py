"""Draw a dashboard on one sheet, with the layout of Grafana."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from . import charts, values
from .fields import defaults
from .panel_data import Page, PanelData
from .values import BACK, FAINT, INK, PAPER, SMALL, TEXT, TITLE

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
KINDS: Mapping[str, Callable[[Axes, PanelData], None]] = {
    "timeseries": charts.timeseries,
    "stat": values.stat,
    "bargauge": values.bars,
    "table": values.table,
    "logs": values.logs,
    "state-timeline": charts.timeline,
}


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
    for raw in page.dashboard.raw.get("panels", ()):
        if raw["type"] == "row":
            y = 1 - (HEAD + (raw["gridPos"]["y"] + 0.6) * ROW) / high
            figure.text(0.006, y, raw.get("title", ""), size=TITLE + 1, weight="bold")
    for panel_data in page.panel_data:
        _panel(figure, panel_data, high)
    return figure


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
    title, x, y = panel_data.panel.title, (left + 6) / wide, (bottom + height - 11) / high
    most = int(width / (TITLE * 0.53))
    # Grafana truncates a title, too.
    title = title if len(title) <= most else f"{title[: most - 1]}…"
    figure.text(x, y, title, size=TITLE, va="center", color=INK)
    kind = "" if panel_data.empty else panel_data.panel.kind
    before, below = ROOM.get(kind, (8.0, 6.0))
    inner = (width - before - 10, max(height - below - 26, 12))
    axes = figure.add_axes(
        ((left + before) / wide, (bottom + below) / high, inner[0] / wide, inner[1] / high)
    )
    axes.set_facecolor(PAPER)
    draw(axes, panel_data)


def draw(axes: Axes, panel_data: PanelData) -> None:
    """Draw a panel, or the reason why it has no data."""
    kind = panel_data.panel.kind
    if panel_data.queries and panel_data.empty:
        no_data_text = str(defaults(panel_data).get("noValue", "No data"))
        values.message(axes, panel_data.problem or no_data_text)
    elif kind in KINDS:
        KINDS[kind](axes, panel_data)
    else:
        values.message(axes, f"{kind}: not supported by the preview", TEXT, "italic")
