from __future__ import annotations

from grafana.build.dashboards.pipeline import make
from tests.unit.grafana.build.built_panels import limits, panels


def test_every_rule_group_is_shown() -> None:
    titles = panels(make)
    assert {"How many evaluations fail?", "How many evaluations were skipped?"} <= titles.keys()


def test_store_has_its_limit() -> None:
    assert limits(panels(make)["How full is Prometheus's storage?"]) == [0.9]
