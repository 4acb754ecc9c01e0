from __future__ import annotations

import promql_parser as promql

from grafana.build import sli

MINE = 'service="web"'


def parsed(expression: str) -> str:
    return str(promql.parse(expression.replace("$__rate_interval", "1m")).prettify())


def test_queries_are_promql() -> None:
    for found in (
        sli.requests(MINE),
        sli.failed_share(MINE),
        sli.fast_share(MINE),
        sli.quantile(0.95, MINE),
        sli.left(MINE),
        sli.firing(),
        sli.firing(MINE),
        sli.PLACES,
    ):
        assert parsed(found)


def test_nothing_failed_is_zero() -> None:
    assert "or 0 *" in sli.failed_share(MINE)


def test_groups_are_as_asked() -> None:
    assert "sum by (service, instance)" in sli.requests(MINE, "service, instance")


def test_matchers_are_everywhere() -> None:
    assert sli.failed_share(MINE).count(MINE) == 3
    assert sli.left(MINE).count(MINE) == 2
