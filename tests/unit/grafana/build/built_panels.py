"""Helpers for tests of the built dashboards."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.build.dashboard_builder import DashboardSpec, Section, build_dashboard

SPEC = DashboardSpec("some", "Some?", "Some things.")


def panels(make: Callable[[], Dashboard]) -> dict[str, dict[str, Any]]:
    """Return the JSON of a dashboard's panels by title."""
    panel_list = json.loads(json.dumps(make(), cls=JSONEncoder))["panels"]
    return {panel["title"]: panel for panel in panel_list if panel["type"] != "row"}


def of(section: Section) -> dict[str, dict[str, Any]]:
    """Return the panels of a section by title."""
    return panels(lambda: build_dashboard(SPEC, section))


def expressions(panel: dict[str, Any]) -> list[str]:
    """Return a panel's queries."""
    return [target["expr"] for target in panel.get("targets") or []]


def limits(panel: dict[str, Any]) -> list[float]:
    """Return the thresholds of a panel."""
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    return [step["value"] for step in steps if step.get("value") is not None]


def variables(make: Callable[[], Dashboard]) -> list[str]:
    """Return the names of a dashboard's variables."""
    templating = make().templating
    assert templating
    return [variable.name for variable in templating.list_val or []]
