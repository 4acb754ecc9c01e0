"""Panels of states: a timeline, and a table of current values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.builders import common as builders
from grafana_foundation_sdk.builders import statetimeline, table
from grafana_foundation_sdk.builders.dashboard import FieldColor
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models.dashboard import (
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColorModeId,
)

from .panel_style import PanelSpec, apply_common
from .queries import Query
from .value_texts import ValueTexts, mappings

# The link of an alert's name in a table.
RUNBOOK = "${responder}/runbooks/${__value.raw}"
# Columns of Prometheus's rows beside the labels.
HIDDEN = ("Time", "__name__")


def state_timeline(
    spec: PanelSpec, value_texts: ValueTexts, *queries: Query
) -> statetimeline.Panel:
    """Return a timeline with a row for each series and the text of each state."""
    return (
        apply_common(statetimeline.Panel(), spec, queries)
        .mappings(mappings(value_texts))
        .color_scheme(FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .show_value(common.VisibilityMode.AUTO)
        .merge_values(True)
        .row_height(0.8)
        .legend(
            builders.VizLegendOptions()
            .display_mode(common.LegendDisplayMode.LIST)
            .placement(common.LegendPlacement.BOTTOM)
            .show_legend(True)
            .calcs([])
        )
    )


def table_panel(
    spec: PanelSpec, names: Mapping[str, str], *queries: Query, sort: str = "", link: str = ""
) -> table.Panel:
    """Return a table with a row for each series; several queries are joined on all labels.

    `names` maps a label, or `Value #A` for the first query, to the heading of its column, in the
    order of the columns. Other columns are hidden. `link` is the link of the first column.
    """
    panel = apply_common(table.Panel(), spec, queries, as_table=True).cell_height(
        common.TableCellHeight.SM
    )
    panel = panel.mappings(mappings({}))
    for transformation in _transformations(names, len(queries)):
        panel = panel.with_transformation(transformation)
    if sort:
        panel = panel.sort_by([builders.TableSortByFieldState().display_name(sort).desc(True)])
    if link:
        first = next(iter(names.values()))
        links = [{"title": "Open", "url": link, "targetBlank": True}]
        panel = panel.override_by_name(first, [DynamicConfigValue("links", links)])
    return panel


def _transformations(names: Mapping[str, str], queries: int) -> list[DataTransformerConfig]:
    # The value of a single query is named Value.
    renamed = {("Value" if queries == 1 and n == "Value #A" else n): t for n, t in names.items()}
    organize: dict[str, object] = {
        "excludeByName": dict.fromkeys(HIDDEN, True),
        "includeByName": {},
        "indexByName": {name: position for position, name in enumerate(renamed)},
        "renameByName": renamed,
    }
    merge = [DataTransformerConfig("merge", options={})] if queries > 1 else []
    return [*merge, DataTransformerConfig("organize", options=organize)]


def column_units(panel: table.Panel, by_heading: Mapping[str, str]) -> table.Panel:
    """Set the units of columns by their headings."""
    for heading, unit in by_heading.items():
        panel = panel.override_by_name(heading, [DynamicConfigValue("unit", unit)])
    return panel


def column_value_texts(panel: table.Panel, by_heading: Mapping[str, ValueTexts]) -> table.Panel:
    """Set the value texts of columns by their headings."""
    for heading, value_texts in by_heading.items():
        panel = panel.override_by_name(
            heading, [DynamicConfigValue("mappings", mappings(value_texts))]
        )
    return panel


def joined(labels: Sequence[str]) -> str:
    """Return a legend with some labels, such as `{{service}} {{route}}`."""
    return " ".join(f"{{{{{label}}}}}" for label in labels)
