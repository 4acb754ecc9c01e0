from __future__ import annotations

from grafana.build.dashboards.pipeline_delivery import carried, told
from tests.unit.grafana.build.boards import limits, of


def test_delivery_has_its_limits() -> None:
    assert limits(of(told())["What share of the notifications fails?"]) == [0.9]
    assert limits(of(carried())["How many bytes wait for Loki?"]) == [262144]


def test_watchdogs_age_is_shown() -> None:
    assert "How long ago did Watchdog arrive?" in of(told())
