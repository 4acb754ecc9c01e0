"""Draw one panel each, by its kind."""

from __future__ import annotations

from collections.abc import Callable

from matplotlib.axes import Axes

from ..fields import defaults
from ..gather import Shown
from .bars import bars
from .logs import logs
from .stat import stat
from .table import table
from .timeline import timeline
from .timeseries import timeseries
from .words import no_data, nothing, text

Draw = Callable[[Axes, Shown], None]
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


def draw(axes: Axes, shown: Shown) -> None:
    """Draw what a panel shows, or say why there is nothing to draw."""
    if shown.told and shown.empty:
        no_data(axes, shown.problem or str(defaults(shown).get("noValue", "No data")))
    elif shown.panel.kind in KINDS:
        KINDS[shown.panel.kind](axes, shown)
    else:
        nothing(axes, f"{shown.panel.kind}: only Grafana knows it")
