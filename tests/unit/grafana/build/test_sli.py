from __future__ import annotations

import promql_parser as promql

from grafana.build import sli

INSTANCE = 'service="web"'


def parsed(expression: str) -> str:
    return str(promql.parse(expression.replace("$__rate_interval", "1m")).prettify())


def test_queries_are_promql() -> None:
    for query in (
        sli.requests(INSTANCE),
        sli.error_ratio(INSTANCE),
        sli.fast_ratio(INSTANCE),
        sli.quantile(0.95, INSTANCE),
        sli.budget_remaining(INSTANCE),
        sli.firing_alerts(),
        sli.firing_alerts(INSTANCE),
        sli.CAPACITY,
    ):
        assert parsed(query)


def test_no_failures_are_zero() -> None:
    assert "or 0 *" in sli.error_ratio(INSTANCE)


def test_groups_match_the_query() -> None:
    assert "sum by (service, instance)" in sli.requests(INSTANCE, "service, instance")


def test_matchers_are_everywhere() -> None:
    assert sli.error_ratio(INSTANCE).count(INSTANCE) == 3
    assert sli.budget_remaining(INSTANCE).count(INSTANCE) == 2
