"""Panels of the responder's actions and log, which several dashboards show."""

from __future__ import annotations

from grafana_foundation_sdk.builders import logs, timeseries
from grafana_foundation_sdk.models import units

from .panel_style import PanelSpec
from .panels import bars, lines
from .queries import log_query, range_query


def actions(size: tuple[int, int]) -> timeseries.Panel:
    """Return its actions by result; `size` is (columns of 24, rows)."""
    return bars(
        PanelSpec(
            "How many actions ended, and how?",
            "Failed: the control API or the runtime refused; the responder's page /healing has"
            " each reason. Cancelled: an operator took over, or the alert resolved before. Many"
            " actions: something fails repeatedly, and healing hides it.",
            units.Short,
            ["HealingExhausted", "InstanceHung", "Saturated"],
            size=size,
        ),
        range_query(
            "sum by (action, state) (increase(responder_actions_total[$__rate_interval]))",
            "{{action}} {{state}}",
        ),
    )


def decision_log(size: tuple[int, int]) -> logs.Panel:
    """Return its log lines without access lines; `size` is (columns of 24, rows)."""
    return lines(
        PanelSpec(
            "What does the responder log?",
            "Its decisions and actions, each with its alert and its reason. Nothing new while an"
            " alert fires: it is paused, or its circuit breaker is open.",
            units.Short,
            ["HealingExhausted", "ResponderDown"],
            size=size,
        ),
        log_query('{service="responder"} | logger != "access"'),
    )
