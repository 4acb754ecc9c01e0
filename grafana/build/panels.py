"""The kinds of panels, each with the same style on all dashboards."""

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
from .panel_style import LETTERS, PanelSpec, apply_common
from .queries import Query
from .value_texts import ValueTexts, mappings

# Low enough that overlapping areas keep their lines visible.
OPACITY = 10
STACKED_OPACITY = 40
# The format of a log line. Panels of several services need the instance.
LINE_FORMAT = "line_format `{{.instance}} {{.level}}: {{__line__}}`"


def series(
    spec: PanelSpec, *queries: Query, stacked: bool = False, lowest: float | None = 0
) -> timeseries.Panel:
    """Return lines over time, with the alerts' limits as dashed lines.

    `lowest` is the minimum of the axis, None if values can be negative.
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
        apply_common(timeseries.Panel(), spec, queries)
        .draw_style(common.GraphDrawStyle.LINE)
        .line_width(2)
        .fill_opacity(STACKED_OPACITY if stacked else OPACITY)
        .show_points(common.VisibilityMode.AUTO)
        .span_nulls(False)
        .legend(legend)
        .tooltip(tooltip)
        .color_scheme(_shades(colours.SERIES[0]))
        .thresholds_style(_limits(spec))
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
    """Return the colours of the series of a query: shades of one colour."""
    return FieldColor().mode(FieldColorModeId.SHADES).fixed_color(colour)


def _limits(spec: PanelSpec) -> builders.GraphThresholdsStyleConfig:
    mode = common.GraphThresholdsStyleMode
    return builders.GraphThresholdsStyleConfig().mode(mode.DASHED if spec.limits else mode.OFF)


def bars(spec: PanelSpec, *queries: Query) -> timeseries.Panel:
    """Return bars over time, for counts of events."""
    return (
        series(spec, *queries, stacked=True)
        .draw_style(common.GraphDrawStyle.BARS)
        .line_width(1)
        .fill_opacity(STACKED_OPACITY * 2)
    )


def stats(spec: PanelSpec, *queries: Query, value_texts: ValueTexts | None = None) -> stat.Panel:
    """Return the last values as large numbers or texts, each with its name."""
    return (
        apply_common(stat.Panel(), spec, queries)
        .color_scheme(FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .color_mode(common.BigValueColorMode.VALUE)
        .graph_mode(common.BigValueGraphMode.NONE)
        .text_mode(common.BigValueTextMode.VALUE_AND_NAME)
        .reduce_options(_last())
        .mappings(mappings(value_texts or {}))
    )


def gauges(spec: PanelSpec, *queries: Query) -> bargauge.Panel:
    """Return the last values as horizontal bars."""
    return (
        apply_common(bargauge.Panel(), spec, queries)
        .min(0)
        .color_scheme(FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .orientation(common.VizOrientation.HORIZONTAL)
        .display_mode(common.BarGaugeDisplayMode.BASIC)
        .reduce_options(_last())
    )


def _last() -> builders.ReduceDataOptions:
    return builders.ReduceDataOptions().calcs(["lastNotNull"]).values(False)


def lines(spec: PanelSpec, query: Query) -> logs.Panel:
    """Return log lines, the newest first, each with its instance, level and fields."""
    return (
        apply_common(logs.Panel(), spec, [replace(query, expr=f"{query.expr} | {LINE_FORMAT}")])
        .show_time(True)
        .show_labels(False)
        .show_common_labels(False)
        .wrap_log_message(True)
        .prettify_log_message(False)
        .enable_log_details(True)
        .dedup_strategy(common.LogsDedupStrategy.NONE)
        .sort_order(common.LogsSortOrder.DESCENDING)
    )


def annotation_list(spec: PanelSpec, *tags: str) -> annotationslist.Panel:
    """Return a list of the annotations with the tags."""
    return (
        apply_common(annotationslist.Panel(), spec, [])
        .only_from_this_dashboard(False)
        .only_in_time_range(True)
        .tags(list(tags))
        .limit(50)
        .show_user(False)
        .show_time(True)
        .show_tags(True)
    )
