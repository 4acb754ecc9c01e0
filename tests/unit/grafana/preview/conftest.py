from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from grafana.preview.panel_data import PanelData, QueryData
from grafana.query_check.dashboard_file import parse
from grafana.query_check.data_sources import Line, QueryResult, Series
from grafana.query_check.queries import PanelQuery, Query, QueryRequest
from grafana.query_check.times import TimeRange
from tests.unit.grafana.samples import document, panel, target

SPAN = TimeRange(0, 600_000)
Make = Callable[..., PanelData]


def lines(*texts: str) -> QueryResult:
    return QueryResult(lines=[Line({"level": "ERROR"}, at, text) for at, text in enumerate(texts)])


def series(*points: tuple[float, float], **labels: str) -> Series:
    return Series(labels, points)


@pytest.fixture
def panel_data() -> Make:
    """Return a function that makes a panel of a kind, with the series of each of its queries."""

    def make(kind: str, *answers: QueryResult, legend: str = "", **raw: Any) -> PanelData:
        refs = "ABC"[: len(answers)]
        targets = [target("up", ref, legendFormat=legend) for ref in refs]
        [parsed] = parse(document(panel("A title", *targets, type=kind, **raw))).panels
        queries = [
            QueryData(
                PanelQuery(
                    Query("sample", "A title", target.ref, "range"),
                    target,
                    QueryRequest("prometheus", "range", "up", SPAN, 5000),
                ),
                result,
            )
            for target, result in zip(parsed.targets, answers, strict=True)
        ]
        return PanelData(parsed, queries, SPAN)

    return make
