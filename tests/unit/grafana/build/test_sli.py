from __future__ import annotations

from grafana.build import sli

INSTANCE = 'service="web"'


def test_no_failures_are_zero() -> None:
    assert "or 0 *" in sli.error_ratio(INSTANCE)


def test_groups_match_the_query() -> None:
    assert "sum by (service, instance)" in sli.requests(INSTANCE, "service, instance")


def test_matchers_are_everywhere() -> None:
    assert sli.error_ratio(INSTANCE).count(INSTANCE) == 3
    assert sli.budget_remaining(INSTANCE).count(INSTANCE) == 2
