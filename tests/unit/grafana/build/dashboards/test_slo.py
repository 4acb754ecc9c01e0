from __future__ import annotations

from grafana.build.dashboards.slo import make
from tests.unit.grafana.build.built_panels import limits, panels


def test_each_pair_has_its_own_limit() -> None:
    built = panels(make)
    assert {title: limits(panel) for title, panel in built.items() if "burn too fast" in title} == {
        f"Do {what} burn too fast over {windows}?": [value]
        for what in ("failures", "slow responses")
        for windows, value in (
            ("1h and still over 5m", 14.4),
            ("6h and still over 30m", 6),
            ("1d and still over 2h", 3),
            ("3d and still over 6h", 1),
        )
    }


def test_budget_is_shown_over_time() -> None:
    assert panels(make)["How did the error budget change?"]["type"] == "timeseries"
