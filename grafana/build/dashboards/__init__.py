"""The dashboards by uid, one module each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from grafana_foundation_sdk.models.dashboard import Dashboard

from . import drills, host, load, logs, overview, pipeline, service, slo

ALL: Mapping[str, Callable[[], Dashboard]] = {
    module.SPEC.uid: module.make
    for module in (overview, service, slo, logs, load, drills, host, pipeline)
}
