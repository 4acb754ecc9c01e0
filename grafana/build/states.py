"""Panels of states: over time, and a table of what is so now."""

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

from .look import Look, dress
from .queries import Query
from .words import Words, mappings

# Where a click on an alert's name in a table leads.
RUNBOOK = "${responder}/runbooks/${__value.raw}"
# What Prometheus's rows have beside the labels: when it was, and of which metric.
HIDDEN = ("Time", "__name__")


def timeline(look: Look, words: Words, *queries: Query) -> statetimeline.Panel:
    """Return a row a series, with the word of each state in its stretch of time."""
    return (
        dress(statetimeline.Panel(), look, queries)
        .mappings(mappings(words))
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


def rows(
    look: Look, names: Mapping[str, str], *queries: Query, sort: str = "", link: str = ""
) -> table.Panel:
    """Return a row for each series, those of several queries joined where all labels agree.

    `names` has the headings of the columns in their order: a label's own name, or `Value #A` for
    the first query. All else is hidden. `link` is where a click on the first column leads.
    """
    panel = dress(table.Panel(), look, queries, rows=True).cell_height(common.TableCellHeight.SM)
    panel = panel.mappings(mappings({}))
    for transformation in _transformations(names, len(queries)):
        panel = panel.with_transformation(transformation)
    if sort:
        panel = panel.sort_by([builders.TableSortByFieldState().display_name(sort).desc(True)])
    if link:
        first = next(iter(names.values()))
        to = [{"title": "Open", "url": link, "targetBlank": True}]
        panel = panel.override_by_name(first, [DynamicConfigValue("links", to)])
    return panel


def _transformations(names: Mapping[str, str], queries: int) -> list[DataTransformerConfig]:
    # A single query's value is called Value.
    called = {("Value" if queries == 1 and n == "Value #A" else n): t for n, t in names.items()}
    organised: dict[str, object] = {
        "excludeByName": dict.fromkeys(HIDDEN, True),
        "includeByName": {},
        "indexByName": {name: place for place, name in enumerate(called)},
        "renameByName": called,
    }
    merge = [DataTransformerConfig("merge", options={})] if queries > 1 else []
    return [*merge, DataTransformerConfig("organize", options=organised)]


def units(panel: table.Panel, found: Mapping[str, str]) -> table.Panel:
    """Give each of the columns a unit of its own, by its heading."""
    for heading, unit in found.items():
        panel = panel.override_by_name(heading, [DynamicConfigValue("unit", unit)])
    return panel


def column_words(panel: table.Panel, found: Mapping[str, Words]) -> table.Panel:
    """Show words instead of the values of each of the columns, by its heading."""
    for heading, words in found.items():
        panel = panel.override_by_name(heading, [DynamicConfigValue("mappings", mappings(words))])
    return panel


def joined(labels: Sequence[str]) -> str:
    """Return a legend with some labels, such as `{{service}} {{route}}`."""
    return " ".join(f"{{{{{label}}}}}" for label in labels)
