from __future__ import annotations

from grafana.build.dashboards.logs_top_messages import top_messages
from tests.unit.grafana.build.built_panels import expressions, limits, of


def test_long_lists_are_cut() -> None:
    for title in (
        "Which messages are the most frequent?",
        "Which exceptions are the most frequent?",
    ):
        (query,) = expressions(of(top_messages())[title])
        assert query.startswith("topk(")


def test_rejected_requests_have_their_limit() -> None:
    assert limits(of(top_messages())["How many requests of each client are rejected?"]) == [1]
