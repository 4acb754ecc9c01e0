"""Draw a panel by its kind."""

from __future__ import annotations

from collections.abc import Callable

from matplotlib.axes import Axes

from ..fields import defaults
from ..panel_data import PanelData
from .bars import bars
from .logs import logs
from .panel_text import no_data, text, unsupported
from .stat import stat
from .table import table
from .timeline import timeline
from .timeseries import timeseries

Draw = Callable[[Axes, PanelData], None]
KINDS: dict[str, Draw] = {
    "timeseries": timeseries,
    "stat": stat,
    "gauge": stat,
    "bargauge": bars,
    "table": table,
    "logs": logs,
    "state-timeline": timeline,
    "text": text,
}


def draw(axes: Axes, panel_data: PanelData) -> None:
    """Draw a panel, or the reason why it has no data."""
    if panel_data.queries and panel_data.empty:
        no_data(axes, panel_data.problem or str(defaults(panel_data).get("noValue", "No data")))
    elif panel_data.panel.kind in KINDS:
        KINDS[panel_data.panel.kind](axes, panel_data)
    else:
        unsupported(axes, f"{panel_data.panel.kind}: not supported by the preview")
