from __future__ import annotations

from typing import Any

from grafana.build.queries import (
    Query,
    exemplar_query,
    instant_log_query,
    instant_query,
    log_query,
    range_query,
    target,
)


def built(query: Query, table: bool = False) -> dict[str, Any]:
    document: dict[str, Any] = target(query, "A", table).build().to_json()
    return document


def test_query_is_one_line() -> None:
    assert range_query("sum by (a)\n  (b)").expr == "sum by (a) (b)"


def test_instant_query_is_instant() -> None:
    assert built(instant_query("up"))["instant"] is True
    assert built(range_query("up"))["range"] is True


def test_table_requests_rows() -> None:
    assert built(instant_query("up"), table=True)["format"] == "table"


def test_exemplars_are_requested() -> None:
    assert built(exemplar_query("up"))["exemplar"] is True
    assert "exemplar" not in built(range_query("up"))


def test_log_query_goes_to_loki() -> None:
    query = built(log_query('{a="b"}', "{{a}}"))
    assert query["datasource"].uid == "loki"
    assert (query["queryType"], query["legendFormat"]) == ("range", "{{a}}")
    assert built(instant_log_query('{a="b"}'))["queryType"] == "instant"
