"""What every panel has, whatever its kind."""

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

# Grafana's grid is so many columns wide.
COLUMNS = 24
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# Panel ids are whole numbers that JavaScript and a link both hold.
IDS = 1_000_000


@dataclass(frozen=True)
class Look:
    """A panel's title, what to do when it looks bad, its unit, its alerts and its limits.

    The runbook of each of the alerts is a link. `size` is (columns of 24, rows). `absent` is what
    it says while there is nothing to show, instead of "No data"; a panel of empty.yml has its
    reason there.
    """

    title: str
    help: str
    unit: str
    alerts: Sequence[str]
    limits: Sequence[Limit] = ()
    size: tuple[int, int] = (8, 8)
    absent: str = ""


# The builders of all kinds of panels that we have.
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


def dress(panel: P, look: Look, queries: Sequence[Query], rows: bool = False) -> P:
    """Give a panel what every panel has, and its queries; `rows` asks for a table's rows."""
    panel = (
        panel.id(identity(look.title))
        .title(look.title)
        .description(look.help)
        .datasource(queries[0].source if queries else GRAFANA)
        .span(look.size[0])
        .height(look.size[1])
        .unit(look.unit)
        .links([runbook(name) for name in look.alerts])
        .thresholds(thresholds(look.limits))
    )
    if look.absent:
        panel = panel.no_value(look.absent)
    for letter, query in zip(LETTERS, queries, strict=False):
        panel = panel.with_target(target(query, letter, rows))
    return panel


def identity(title: str) -> int:
    """Return a panel's id, which stays while its title does, whatever comes before it."""
    return zlib.crc32(title.encode()) % IDS + 1


def runbook(name: str) -> DashboardLink:
    """Return the link to an alert's runbook; raise `BuildError` where there is no such alert."""
    url = f"${{responder}}/runbooks/{alert(name).name}"
    return DashboardLink(f"Runbook: {name}").url(url).target_blank(True)


def thresholds(limits: Sequence[Limit]) -> ThresholdsConfig:
    """Return where colours change: at an alert's limit to that of its severity."""
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps(limits))


def steps(limits: Sequence[Limit]) -> list[Threshold]:
    """Return the steps from the lowest up; the first has no value, for it begins at minus infinity.

    Of a limit below which it is bad, the colour is the one below it.
    """
    found = sorted(limits, key=lambda one: one.value)
    if all(one.above for one in found):
        colour = [colours.SEVERITY[one.severity] for one in found]
        return [
            Threshold(None, colours.FINE),
            *(Threshold(one.value, shown) for one, shown in zip(found, colour, strict=True)),
        ]
    below = [colours.SEVERITY[one.severity] for one in found]
    return [
        Threshold(value, colour)
        for value, colour in zip(
            [None, *(one.value for one in found)], [*below, colours.FINE], strict=True
        )
    ]
