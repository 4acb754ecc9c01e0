from __future__ import annotations

from grafana.build.dashboards.logs_frequent import frequent
from tests.unit.grafana.build.boards import asked, limits, of


def test_long_lists_are_cut() -> None:
    for title in (
        "Which messages are the most frequent?",
        "Which exceptions are the most frequent?",
    ):
        (query,) = asked(of(frequent())[title])
        assert query.startswith("topk(")


def test_refused_requests_have_their_limit() -> None:
    assert limits(of(frequent())["How many requests of a client are refused?"]) == [1]
