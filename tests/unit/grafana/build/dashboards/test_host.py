from __future__ import annotations

from grafana.build.dashboards.host import make
from tests.unit.grafana.build.built_panels import limits, panels


def test_host_panels_have_the_alerts_limits() -> None:
    built = panels(make)
    assert limits(built["How busy are its CPUs?"]) == [0.9]
    assert limits(built["How much memory is available?"]) == [0.1]
    assert limits(built["How much will be free in four hours, at the current rate?"]) == [0]
