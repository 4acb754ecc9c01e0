from __future__ import annotations

from typing import Any

from grafana.build.queries import Query, asked, logged, logged_now, now, target, traced


def built(query: Query, table: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = target(query, "A", table).build().to_json()
    return found


def test_query_is_one_line() -> None:
    assert asked("sum by (a)\n  (b)").expr == "sum by (a) (b)"


def test_query_of_now_is_instant() -> None:
    assert built(now("up"))["instant"] is True
    assert built(asked("up"))["range"] is True


def test_table_asks_for_rows() -> None:
    assert built(now("up"), table=True)["format"] == "table"


def test_exemplars_are_asked_for() -> None:
    assert built(traced("up"))["exemplar"] is True
    assert "exemplar" not in built(asked("up"))


def test_log_query_goes_to_loki() -> None:
    found = built(logged('{a="b"}', "{{a}}"))
    assert found["datasource"].uid == "loki"
    assert (found["queryType"], found["legendFormat"]) == ("range", "{{a}}")
    assert built(logged_now('{a="b"}'))["queryType"] == "instant"
