from __future__ import annotations

from grafana.build.dashboards.pipeline_delivery import alert_delivery, log_delivery
from tests.unit.grafana.build.built_panels import limits, of


def test_delivery_has_its_limits() -> None:
    assert limits(of(alert_delivery())["What share of the notifications fails?"]) == [0.9]
    assert limits(of(log_delivery())["How many bytes wait for Loki?"]) == [262144]


def test_watchdogs_age_is_shown() -> None:
    assert "How long ago did Watchdog arrive?" in of(alert_delivery())
