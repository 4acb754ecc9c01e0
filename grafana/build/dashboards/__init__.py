"""The dashboards, one module each."""

from __future__ import annotations

from collections.abc import Sequence

from ..dashboard_builder import DashboardSpec
from . import drills, host, load, logs, overview, pipeline, service, slo

ALL: Sequence[DashboardSpec] = tuple(
    module.SPEC for module in (overview, service, slo, logs, load, drills, host, pipeline)
)
