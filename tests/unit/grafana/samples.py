"""Parts of dashboards in Grafana's JSON format."""

from __future__ import annotations

import copy
from typing import Any

PROMETHEUS = {"type": "prometheus", "uid": "prometheus"}
LOKI = {"type": "loki", "uid": "loki"}


def variable(name: str, query: Any, kind: str = "query", **more: Any) -> dict[str, Any]:
    """Return a variable."""
    return {"name": name, "type": kind, "query": query, "datasource": PROMETHEUS, **more}


def target(expr: str, ref: str = "A", **more: Any) -> dict[str, Any]:
    """Return a Prometheus query."""
    return {"refId": ref, "expr": expr, "datasource": PROMETHEUS, **more}


def panel(title: str, *targets: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a panel of half the width."""
    return {
        "id": 1,
        "type": "timeseries",
        "title": title,
        "gridPos": {"x": 0, "y": 0, "w": 12, "h": 8},
        "datasource": PROMETHEUS,
        "targets": list(targets),
        **more,
    }


def document(*panels: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a dashboard over an hour, with the variable `service`."""
    return {
        "uid": "sample",
        "title": "Sample",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [copy.deepcopy(SERVICE)]},
        "panels": list(panels),
        **more,
    }


SERVICE = variable(
    "service", {"query": 'label_values(up{job="services"}, service)'}, multi=True, includeAll=True
)
