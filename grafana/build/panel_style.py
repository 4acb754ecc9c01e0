"""Properties that all kinds of panels share."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from grafana_foundation_sdk.builders import (
    annotationslist,
    bargauge,
    logs,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.builders.dashboard import DashboardLink, ThresholdsConfig
from grafana_foundation_sdk.models.dashboard import Threshold, ThresholdsMode

from . import colours
from .queries import GRAFANA, Query, target
from .rules import Limit, alert

# The width of Grafana's grid.
COLUMNS = 24
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# Panel ids are integers, short enough for a link.
IDS = 1_000_000


@dataclass(frozen=True)
class PanelSpec:
    """The title, description, unit, alerts and limits of a panel.

    The description says what to do about a bad value. The panel links to the runbooks of its
    alerts. `size` is (columns of 24, rows). `no_data_text` replaces Grafana's "No data"; panels in
    expected_empty.yml show their reason instead.
    """

    title: str
    description: str
    unit: str
    alerts: Sequence[str]
    limits: Sequence[Limit] = ()
    size: tuple[int, int] = (8, 8)
    no_data_text: str = ""


# The builders of all kinds of panels in use.
P = TypeVar(
    "P",
    annotationslist.Panel,
    bargauge.Panel,
    logs.Panel,
    stat.Panel,
    statetimeline.Panel,
    table.Panel,
    timeseries.Panel,
)


def apply_common(panel: P, spec: PanelSpec, queries: Sequence[Query], as_table: bool = False) -> P:
    """Set the shared properties and the queries of a panel; `as_table` requests table rows."""
    panel = (
        panel.id(panel_id(spec.title))
        .title(spec.title)
        .description(spec.description)
        .datasource(queries[0].source if queries else GRAFANA)
        .span(spec.size[0])
        .height(spec.size[1])
        .unit(spec.unit)
        .links([runbook(name) for name in spec.alerts])
        .thresholds(thresholds(spec.limits))
    )
    if spec.no_data_text:
        panel = panel.no_value(spec.no_data_text)
    for letter, query in zip(LETTERS, queries, strict=False):
        panel = panel.with_target(target(query, letter, as_table))
    return panel


def panel_id(title: str) -> int:
    """Return a panel's id, which depends only on its title."""
    return zlib.crc32(title.encode()) % IDS + 1


def runbook(name: str) -> DashboardLink:
    """Return the link to an alert's runbook; raise `BuildError` if the alert does not exist."""
    url = f"${{responder}}/runbooks/{alert(name).name}"
    return DashboardLink(f"Runbook: {name}").url(url).target_blank(True)


def thresholds(limits: Sequence[Limit]) -> ThresholdsConfig:
    """Return the thresholds: at an alert's limit, the colour of its severity begins."""
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps(limits))


def steps(limits: Sequence[Limit]) -> list[Threshold]:
    """Return the steps in ascending order; the first has no value: it starts at minus infinity.

    The colour of a lower limit applies below it.
    """
    ordered = sorted(limits, key=lambda limit: limit.value)
    if all(limit.above for limit in ordered):
        colour = [colours.SEVERITY[limit.severity] for limit in ordered]
        return [
            Threshold(None, colours.FINE),
            *(Threshold(limit.value, shade) for limit, shade in zip(ordered, colour, strict=True)),
        ]
    below = [colours.SEVERITY[limit.severity] for limit in ordered]
    return [
        Threshold(value, colour)
        for value, colour in zip(
            [None, *(limit.value for limit in ordered)], [*below, colours.FINE], strict=True
        )
    ]
