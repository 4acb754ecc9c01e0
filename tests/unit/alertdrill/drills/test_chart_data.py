import math
from collections.abc import Sequence
from typing import Any

import pytest

from alertdrill.clients.http import UnreachableError
from alertdrill.clients.prometheus import Line
from alertdrill.drills import chart_data
from alertdrill.drills.result import Chart


class FakePrometheus:
    """Returns a number of lines, and records the queries."""

    language = "promql"

    def __init__(self, lines: int = 1) -> None:
        self.count = lines
        self.queries: list[tuple[str, float]] = []

    def query_range(self, promql: str, span: tuple[float, float], step: float) -> Sequence[Line]:
        self.queries.append((promql, step))
        if self.count < 0:
            raise UnreachableError("It is gone.")
        return [Line({"n": str(n)}, [(span[0], 1.0)]) for n in range(self.count)]


def recorded(prometheus: FakePrometheus, expression: str, end: float = 60.0) -> Chart:
    return chart_data.record_chart(prometheus, expression, (0.0, end), 1.0)  # type: ignore[arg-type]


def test_both_sides_are_drawn() -> None:
    prometheus = FakePrometheus()
    recorded_chart = recorded(prometheus, "a > 0.5 * b")
    assert (recorded_chart.expression, recorded_chart.comparison, recorded_chart.threshold) == (
        "a",
        ">",
        "0.5 * b",
    )
    assert prometheus.queries == [("a", 1.0), ("0.5 * b", 1.0)]
    assert len(recorded_chart.values) == len(recorded_chart.thresholds) == 1


def test_number_is_drawn_as_line() -> None:
    prometheus = FakePrometheus()
    recorded(prometheus, "a > 5")
    assert prometheus.queries[1][0] == "vector(5.0)"


def test_expression_may_have_no_threshold() -> None:
    recorded_chart = recorded(FakePrometheus(), "absent(up)")
    assert (recorded_chart.expression, recorded_chart.threshold, recorded_chart.thresholds) == (
        "absent(up)",
        "",
        (),
    )


def test_long_span_has_wider_steps() -> None:
    prometheus = FakePrometheus()
    recorded(prometheus, "a", end=chart_data.MAX_POINTS * 4.0)
    assert prometheus.queries == [("a", 4.0)]


def test_too_many_lines_are_cut() -> None:
    assert len(recorded(FakePrometheus(lines=50), "a").values) == chart_data.MAX_LINES


def test_lines_with_the_largest_range_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    still = [Line({"n": str(n)}, [(0.0, 9.0), (1.0, 9.0)]) for n in range(chart_data.MAX_LINES)]
    empty = Line({"n": "empty"}, [(0.0, math.nan)])
    moved = Line({"n": "moved"}, [(0.0, math.nan), (1.0, 0.0), (2.0, 0.5)])
    monkeypatch.setattr(FakePrometheus, "query_range", lambda *_: [empty, *still, moved])
    recorded_chart = recorded(FakePrometheus(), "a").values
    assert [line.labels["n"] for line in recorded_chart] == [
        *map(str, range(1, chart_data.MAX_LINES)),
        "moved",
    ]


class Moving:
    """Lines that rise by 1 per second from the value in their name: `m5` starts at -5."""

    language = "promql"

    def query_range(self, promql: str, span: tuple[float, float], step: float) -> Sequence[Line]:
        if promql.startswith("vector"):
            return [Line({}, [(at, 0.0) for at in range(11)])]
        return [Line({}, [(at, at - float(promql[1:])) for at in range(11)])]


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("m2 > 0 and m5 > 0", "m5"),
        ("(m5 > 0 and m2 > 0)", "m5"),
        ("(m2 > 0 and m9 > 0) or (m4 > 0 and m3 > 0)", "m4"),  # m9 holds after it fired
        ("m8 > 0 or m9 > 0", "m8"),  # neither: the first
        ("m2 > 0 and m1 > m0", "m2"),  # only numbers can be compared here
    ],
)
def test_deciding_comparison_is_shown(expression: str, shown: str) -> None:
    moving: Any = Moving()
    recorded = chart_data.record_chart(moving, expression, (0.0, 10.0), 1.0, fired=7.0)
    assert recorded.expression == shown


def test_chart_never_fails_the_drill() -> None:
    recorded_chart = recorded(FakePrometheus(lines=-1), "a > 5")
    assert (recorded_chart.values, recorded_chart.thresholds) == ((), ())
