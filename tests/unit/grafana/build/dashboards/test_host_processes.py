from __future__ import annotations

from grafana.build.dashboards.host_processes import processes
from tests.unit.grafana.build.built_panels import expressions, of


def test_components_without_process_metrics_are_included() -> None:
    queries = " ".join(expressions(of(processes())["How much memory does each process use?"]))
    assert "otelcol_" in queries
    assert "haproxy_" in queries
