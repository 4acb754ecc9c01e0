"""The kinds of panels, each with the same style on all dashboards."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from string import ascii_uppercase
from typing import TypeVar

from grafana_foundation_sdk.builders import (
    bargauge,
    logs,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.builders import common as builders
from grafana_foundation_sdk.builders.dashboard import DashboardLink, FieldColor, ThresholdsConfig
from grafana_foundation_sdk.cog import builder as cogbuilder
from grafana_foundation_sdk.models import common, dashboard, units
from grafana_foundation_sdk.models.dashboard import (
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
)

from . import colours
from .queries import Query, target
from .rules import Limit, alert
from .value_texts import ValueTexts, mappings

# Panel ids are integers, short enough for a link.
IDS = 1_000_000
# Low enough that overlapping areas keep their lines visible.
OPACITY = 10
STACKED_OPACITY = 40
# The format of a log line. Panels of several services need the instance.
LINE_FORMAT = "line_format `{{.instance}} {{.level}}: {{__line__}}`"
# The link of an alert's name in a table.
RUNBOOK = "${responder}/runbooks/${__value.raw}"
# Columns of Prometheus's rows beside the labels.
HIDDEN = ("Time", "__name__")

B = TypeVar(
    "B",
    bargauge.Panel,
    logs.Panel,
    stat.Panel,
    statetimeline.Panel,
    table.Panel,
    timeseries.Panel,
)


def panel_id(title: str) -> int:
    """Return a panel's id, which depends only on its title."""
    return zlib.crc32(title.encode()) % IDS + 1


@dataclass(frozen=True)
class Panel(ABC):
    """What all kinds of panels have.

    The description says what to do about a bad value. The panel links to the runbooks of its
    `alerts`, and shows the limits among them. `size` is (columns of 24, rows), by default that of
    the section. `no_data_text` replaces Grafana's "No data"; panels in expected_empty.yml show
    their reason instead.
    """

    title: str
    description: str
    query: Query | Sequence[Query] = ()
    _: KW_ONLY
    alerts: Sequence[str | Limit]
    unit: str = units.Short
    size: tuple[int, int] | None = None
    no_data_text: str = ""

    @property
    def limits(self) -> Sequence[Limit]:
        """The limits of its alerts."""
        return [item for item in self.alerts if isinstance(item, Limit)]

    @property
    def queries(self) -> Sequence[Query]:
        """All of its queries."""
        return [self.query] if isinstance(self.query, Query) else self.query

    @abstractmethod
    def builder(self) -> cogbuilder.Builder[dashboard.Panel]:
        """Return the builder of the SDK; raise `BuildError` if an alert does not exist."""

    def _apply_common(self, panel: B, as_table: bool = False) -> B:
        """Set the shared properties and the queries; `as_table` requests table rows."""
        panel = (
            panel.id(panel_id(self.title))
            .title(self.title)
            .description(self.description)
            .datasource(self.queries[0].source)
            .unit(self.unit)
            .links(
                [_runbook(item.alert if isinstance(item, Limit) else item) for item in self.alerts]
            )
            .thresholds(ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps(self.limits)))
        )
        if self.no_data_text:
            panel = panel.no_value(self.no_data_text)
        for letter, query in zip(ascii_uppercase, self.queries, strict=False):
            panel = panel.with_target(target(query, letter, as_table))
        return panel


def _runbook(name: str) -> DashboardLink:
    url = f"${{responder}}/runbooks/{alert(name).name}"
    return DashboardLink(f"Runbook: {name}").url(url).target_blank(True)


def steps(limits: Sequence[Limit]) -> list[Threshold]:
    """Return the colours of a panel: beyond an alert's limit, that of the alert's severity.

    The steps are in ascending order; the first has no value: it starts at minus infinity. The
    colour of a lower limit applies below it.
    """
    ordered = sorted(limits, key=lambda limit: limit.value)
    shades = [colours.SEVERITY[limit.severity] for limit in ordered]
    is_upper = all(limit.above for limit in ordered)
    shades = [colours.FINE, *shades] if is_upper else [*shades, colours.FINE]
    values = [None, *(limit.value for limit in ordered)]
    return [Threshold(value, shade) for value, shade in zip(values, shades, strict=True)]


@dataclass(frozen=True)
class Series(Panel):
    """Lines over time, with the alerts' limits as dashed lines.

    `lowest` is the minimum of the axis, None if values can be negative.
    """

    _: KW_ONLY
    lowest: float | None = 0
    highest: float | None = None

    def builder(self) -> timeseries.Panel:
        """Return the builder: each query has its own colour, its series have shades of it."""
        limit_style = common.GraphThresholdsStyleMode
        panel = (
            self._apply_common(timeseries.Panel())
            .draw_style(common.GraphDrawStyle.LINE)
            .line_width(2)
            .fill_opacity(OPACITY)
            .show_points(common.VisibilityMode.AUTO)
            .span_nulls(False)
            .legend(_legend(common.LegendDisplayMode.TABLE, "lastNotNull", "max"))
            .tooltip(
                builders.VizTooltipOptions()
                .mode(common.TooltipDisplayMode.MULTI)
                .sort(common.SortOrder.DESCENDING)
            )
            .color_scheme(FieldColor().mode(FieldColorModeId.SHADES).fixed_color(colours.SERIES[0]))
            .thresholds_style(
                builders.GraphThresholdsStyleConfig().mode(
                    limit_style.DASHED if self.limits else limit_style.OFF
                )
            )
        )
        if self.lowest is not None:
            panel = panel.min(self.lowest)
        if self.highest is not None:
            panel = panel.max(self.highest)
        for letter, colour in list(zip(ascii_uppercase, colours.SERIES, strict=False))[
            1 : len(self.queries)
        ]:
            shades = {"mode": str(FieldColorModeId.SHADES), "fixedColor": colour}
            panel = panel.override_by_query(letter, [DynamicConfigValue("color", shades)])
        return panel


def _legend(mode: common.LegendDisplayMode, *calcs: str) -> builders.VizLegendOptions:
    return (
        builders.VizLegendOptions()
        .display_mode(mode)
        .placement(common.LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs(list(calcs))
    )


@dataclass(frozen=True)
class Bars(Series):
    """Stacked bars over time, for counts of events."""

    def builder(self) -> timeseries.Panel:
        """Return the builder."""
        return (
            super()
            .builder()
            .stacking(builders.StackingConfig().mode(common.StackingMode.NORMAL).group("A"))
            .draw_style(common.GraphDrawStyle.BARS)
            .line_width(1)
            .fill_opacity(STACKED_OPACITY * 2)
        )


@dataclass(frozen=True)
class Stats(Panel):
    """The last values as large numbers or texts, each with its name."""

    _: KW_ONLY
    value_texts: ValueTexts = field(default_factory=dict)

    def builder(self) -> stat.Panel:
        """Return the builder."""
        return (
            self._apply_common(stat.Panel())
            .color_scheme(FieldColor().mode(FieldColorModeId.THRESHOLDS))
            .color_mode(common.BigValueColorMode.VALUE)
            .graph_mode(common.BigValueGraphMode.NONE)
            .text_mode(common.BigValueTextMode.VALUE_AND_NAME)
            .reduce_options(builders.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
            .mappings(mappings(self.value_texts))
        )


@dataclass(frozen=True)
class Gauges(Panel):
    """The last values as horizontal bars."""

    def builder(self) -> bargauge.Panel:
        """Return the builder."""
        return (
            self._apply_common(bargauge.Panel())
            .min(0)
            .color_scheme(FieldColor().mode(FieldColorModeId.THRESHOLDS))
            .orientation(common.VizOrientation.HORIZONTAL)
            .display_mode(common.BarGaugeDisplayMode.BASIC)
            .reduce_options(builders.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
        )


@dataclass(frozen=True)
class Lines(Panel):
    """Log lines, the newest first, each with its instance, level and fields."""

    def builder(self) -> logs.Panel:
        """Return the builder."""
        formatted = [replace(item, expr=f"{item.expr} | {LINE_FORMAT}") for item in self.queries]
        return (
            replace(self, query=formatted)
            ._apply_common(logs.Panel())
            .show_time(True)
            .show_labels(False)
            .show_common_labels(False)
            .wrap_log_message(True)
            .prettify_log_message(False)
            .enable_log_details(True)
            .dedup_strategy(common.LogsDedupStrategy.NONE)
            .sort_order(common.LogsSortOrder.DESCENDING)
        )


@dataclass(frozen=True)
class StateTimeline(Panel):
    """A row for each series, with the text of each state over time."""

    _: KW_ONLY
    value_texts: ValueTexts

    def builder(self) -> statetimeline.Panel:
        """Return the builder."""
        return (
            self._apply_common(statetimeline.Panel())
            .mappings(mappings(self.value_texts))
            .color_scheme(FieldColor().mode(FieldColorModeId.THRESHOLDS))
            .show_value(common.VisibilityMode.AUTO)
            .merge_values(True)
            .row_height(0.8)
            .legend(_legend(common.LegendDisplayMode.LIST))
        )


@dataclass(frozen=True)
class Table(Panel):
    """A row of current values for each series; several queries are joined on all labels.

    `columns` maps a label, or `Value #A` for the first query, to the heading of its column, in the
    order of the columns. Other columns are hidden. `link` is the link of the first column;
    `sort` the heading of the column by which rows are sorted. `column_texts` and `column_units`
    are by heading.
    """

    _: KW_ONLY
    columns: Mapping[str, str]
    sort: str = ""
    link: str = ""
    column_texts: Mapping[str, ValueTexts] = field(default_factory=dict)
    column_units: Mapping[str, str] = field(default_factory=dict)

    def builder(self) -> table.Panel:
        """Return the builder."""
        panel = self._apply_common(table.Panel(), as_table=True)
        panel = panel.cell_height(common.TableCellHeight.SM).mappings(mappings({}))
        for transformation in self._transformations():
            panel = panel.with_transformation(transformation)
        if self.sort:
            descending = builders.TableSortByFieldState().display_name(self.sort).desc(True)
            panel = panel.sort_by([descending])
        if self.link:
            first = next(iter(self.columns.values()))
            links = [{"title": "Open", "url": self.link, "targetBlank": True}]
            panel = panel.override_by_name(first, [DynamicConfigValue("links", links)])
        for heading, value_texts in self.column_texts.items():
            texts = DynamicConfigValue("mappings", mappings(value_texts))
            panel = panel.override_by_name(heading, [texts])
        for heading, unit in self.column_units.items():
            panel = panel.override_by_name(heading, [DynamicConfigValue("unit", unit)])
        return panel

    def _transformations(self) -> list[DataTransformerConfig]:
        several = len(self.queries) > 1
        headings = {
            name if several or name != "Value #A" else "Value": heading
            for name, heading in self.columns.items()
        }
        organize: dict[str, object] = {
            "excludeByName": dict.fromkeys(HIDDEN, True),
            "includeByName": {},
            "indexByName": {name: position for position, name in enumerate(headings)},
            "renameByName": headings,
        }
        merge = [DataTransformerConfig("merge", options={})] if several else []
        return [*merge, DataTransformerConfig("organize", options=organize)]
