"""The kinds of panels, each with the same look everywhere."""

from __future__ import annotations

from dataclasses import replace

from grafana_foundation_sdk.builders import annotationslist, bargauge, logs, stat, timeseries
from grafana_foundation_sdk.builders import common as builders
from grafana_foundation_sdk.builders.dashboard import FieldColor
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models.dashboard import (
    DynamicConfigValue,
    FieldColorModeId,
)

from . import colours
from .look import LETTERS, Look, dress
from .queries import Query
from .words import Words, mappings

# Enough to tell a line from its area where several lie over each other.
OPACITY = 10
STACKED_OPACITY = 40
# How a line is written: a panel of many services would not say whose it is.
SAID_BY = "line_format `{{.instance}} {{.level}}: {{__line__}}`"


def series(
    look: Look, *queries: Query, stacked: bool = False, lowest: float | None = 0
) -> timeseries.Panel:
    """Return lines over time; the limits of the alerts are dashed lines.

    `lowest` is where the axis begins, None where there may be less than nothing.
    """
    legend = (
        builders.VizLegendOptions()
        .display_mode(common.LegendDisplayMode.TABLE)
        .placement(common.LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs(["lastNotNull", "max"])
    )
    tooltip = (
        builders.VizTooltipOptions()
        .mode(common.TooltipDisplayMode.MULTI)
        .sort(common.SortOrder.DESCENDING)
    )
    panel = (
        dress(timeseries.Panel(), look, queries)
        .draw_style(common.GraphDrawStyle.LINE)
        .line_width(2)
        .fill_opacity(STACKED_OPACITY if stacked else OPACITY)
        .show_points(common.VisibilityMode.AUTO)
        .span_nulls(False)
        .legend(legend)
        .tooltip(tooltip)
        .color_scheme(_shades(colours.SERIES[0]))
        .thresholds_style(_limits(look))
    )
    if lowest is not None:
        panel = panel.min(lowest)
    if stacked:
        panel = panel.stacking(
            builders.StackingConfig().mode(common.StackingMode.NORMAL).group("A")
        )
    for letter, colour in list(zip(LETTERS, colours.SERIES, strict=False))[1 : len(queries)]:
        shades = {"mode": str(FieldColorModeId.SHADES), "fixedColor": colour}
        panel = panel.override_by_query(letter, [DynamicConfigValue("color", shades)])
    return panel


def _shades(colour: str) -> FieldColor:
    """Return the colours of the series of one query: they differ in how light they are."""
    return FieldColor().mode(FieldColorModeId.SHADES).fixed_color(colour)


def _limits(look: Look) -> builders.GraphThresholdsStyleConfig:
    mode = common.GraphThresholdsStyleMode
    return builders.GraphThresholdsStyleConfig().mode(mode.DASHED if look.limits else mode.OFF)


def bars(look: Look, *queries: Query) -> timeseries.Panel:
    """Return bars over time, for what is counted and not for what goes on."""
    return (
        series(look, *queries, stacked=True)
        .draw_style(common.GraphDrawStyle.BARS)
        .line_width(1)
        .fill_opacity(STACKED_OPACITY * 2)
    )


def stats(look: Look, *queries: Query, words: Words | None = None) -> stat.Panel:
    """Return the last values, large, each under its name and in words where there are some."""
    return (
        dress(stat.Panel(), look, queries)
        .color_scheme(FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .color_mode(common.BigValueColorMode.VALUE)
        .graph_mode(common.BigValueGraphMode.NONE)
        .text_mode(common.BigValueTextMode.VALUE_AND_NAME)
        .reduce_options(_last())
        .mappings(mappings(words or {}))
    )


def gauges(look: Look, *queries: Query) -> bargauge.Panel:
    """Return the last values as bars, the longest of which is the most."""
    return (
        dress(bargauge.Panel(), look, queries)
        .min(0)
        .color_scheme(FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .orientation(common.VizOrientation.HORIZONTAL)
        .display_mode(common.BarGaugeDisplayMode.BASIC)
        .reduce_options(_last())
    )


def _last() -> builders.ReduceDataOptions:
    return builders.ReduceDataOptions().calcs(["lastNotNull"]).values(False)


def lines(look: Look, query: Query) -> logs.Panel:
    """Return log lines, the newest first, each with who said it and its fields a click away."""
    return (
        dress(logs.Panel(), look, [replace(query, expr=f"{query.expr} | {SAID_BY}")])
        .show_time(True)
        .show_labels(False)
        .show_common_labels(False)
        .wrap_log_message(True)
        .prettify_log_message(False)
        .enable_log_details(True)
        .dedup_strategy(common.LogsDedupStrategy.NONE)
        .sort_order(common.LogsSortOrder.DESCENDING)
    )


def marks(look: Look, *tags: str) -> annotationslist.Panel:
    """Return the list of the marks in Grafana that carry the tags."""
    return (
        dress(annotationslist.Panel(), look, [])
        .only_from_this_dashboard(False)
        .only_in_time_range(True)
        .tags(list(tags))
        .limit(50)
        .show_user(False)
        .show_time(True)
        .show_tags(True)
    )
