from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from grafana.preview.gather import Shown, Told
from grafana.proof.answer import Answer, Line, Series
from grafana.proof.asks import Ask, Asked, Query
from grafana.proof.dashboard import parse
from grafana.proof.span import Span
from tests.unit.grafana.samples import document, panel, target

SPAN = Span(0, 600_000)
Make = Callable[..., Shown]


def lines(*texts: str) -> Answer:
    return Answer(lines=[Line({"level": "ERROR"}, at, text) for at, text in enumerate(texts)])


def series(*points: tuple[float, float], **labels: str) -> Series:
    return Series(labels, points)


@pytest.fixture
def shown() -> Make:
    """Return a function that makes a panel of a kind, with the series of each of its queries."""

    def make(kind: str, *answers: Answer, legend: str = "", **raw: Any) -> Shown:
        refs = "ABC"[: len(answers)]
        targets = [target("up", ref, legendFormat=legend) for ref in refs]
        [found] = parse(document(panel("A title", *targets, type=kind, **raw))).panels
        told = [
            Told(
                Asked(
                    Query("sample", "A title", one.ref, "range"),
                    one,
                    Ask("prometheus", "range", "up", SPAN, 5000),
                    "A title",
                ),
                answer,
            )
            for one, answer in zip(found.targets, answers, strict=True)
        ]
        return Shown(found, "A title", told, SPAN)

    return make
