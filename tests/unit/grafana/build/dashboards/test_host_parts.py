from __future__ import annotations

from grafana.build.dashboards.host_parts import parts
from tests.unit.grafana.build.boards import asked, of


def test_parts_without_process_metrics_are_there() -> None:
    queries = " ".join(asked(of(parts())["Who takes how much memory?"]))
    assert "otelcol_" in queries
    assert "haproxy_" in queries
