"""Panels of what the responder does, which several dashboards show."""

from __future__ import annotations

from grafana_foundation_sdk.builders import logs, timeseries
from grafana_foundation_sdk.models import units

from .look import Look
from .panels import bars, lines
from .queries import asked, logged


def actions(size: tuple[int, int]) -> timeseries.Panel:
    """Return its actions by how they ended; `size` is (columns of 24, rows)."""
    return bars(
        Look(
            "How many actions ended, and how?",
            "Failed: the control API or the runtime refuses; the responder's page /healing has the"
            " reason of each. Cancelled: a human took over, or the alert was over before. Many of"
            " them: something breaks again and again, and healing hides it.",
            units.Short,
            ["HealingExhausted", "InstanceHung", "Saturated"],
            size=size,
        ),
        asked(
            "sum by (action, state) (increase(responder_actions_total[$__rate_interval]))",
            "{{action}} {{state}}",
        ),
    )


def said(size: tuple[int, int]) -> logs.Panel:
    """Return its log lines but for the requests; `size` is (columns of 24, rows)."""
    return lines(
        Look(
            "What does the responder say?",
            "Its decisions and actions, each with its alert and its reason. Nothing new while an"
            " alert fires: it is paused, or its circuit is open.",
            units.Short,
            ["HealingExhausted", "ResponderDown"],
            size=size,
        ),
        logged('{service="responder"} | logger != "access"'),
    )
