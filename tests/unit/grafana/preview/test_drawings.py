"""Drawings of each kind of panel, and the text in them."""

from __future__ import annotations

import math

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grafana.preview.charts import shades, stretches
from grafana.preview.panel_data import EMPTY, PanelData
from grafana.preview.sheet import KINDS, draw
from grafana.preview.values import table_rows
from grafana.query_check.data_sources import QueryResult
from tests.unit.grafana.preview.conftest import Make, lines, series

TWO = QueryResult(
    series=[
        series(*((at, at / 10) for at in range(0, 600, 60)), service="web"),
        series((0, 1), (60, 0), (120, 0), (300, 1), (600, math.nan), service="chat"),
    ]
)
STATES = {
    "defaults": {
        "mappings": [
            {"type": "value", "options": {"0": {"text": "down", "color": "#D55E00"}}},
            {"type": "value", "options": {"1": {"text": "up", "color": "#56B4E9"}}},
        ]
    }
}

ORGANIZE = {
    "id": "organize",
    "options": {
        "excludeByName": {"job": True, "Time": True},
        "indexByName": {"service": 0, "Value #B": 1, "Value #A": 2},
        "renameByName": {"service": "Service", "Value #A": "Requests"},
    },
}


def drawn(panel_data: PanelData) -> tuple[Axes, list[str]]:
    axes = Figure(figsize=(8, 3)).add_axes((0.1, 0.3, 0.8, 0.6))
    draw(axes, panel_data)
    return axes, [text.get_text() for text in axes.texts]


def test_lines_have_names_and_last_values(panel_data: Make) -> None:
    custom = {"defaults": {"unit": "reqps", "min": 0}}
    axes, words = drawn(panel_data("timeseries", TWO, legend="{{service}}", fieldConfig=custom))
    assert {"web   54 req/s", "chat   1 req/s"} <= set(words)
    assert len(axes.lines) == 2
    assert axes.get_ylim()[0] == 0


def test_gap_breaks_a_line(panel_data: Make) -> None:
    gapped = QueryResult(series=[series((0, 1), (60, 1), (120, 1), (600, 1))])
    axes, _ = drawn(panel_data("timeseries", gapped))
    values = list(axes.lines[0].get_ydata())  # type: ignore[arg-type]
    assert sum(str(value) == "nan" for value in values) == 1


def test_thresholds_are_lines(panel_data: Make) -> None:
    config = {
        "defaults": {
            "thresholds": {
                "steps": [{"color": "#000", "value": None}, {"color": "#D55E00", "value": 7}]
            },
            "custom": {"thresholdsStyle": {"mode": "dashed"}},
        }
    }
    axes, _ = drawn(panel_data("timeseries", TWO, fieldConfig=config))
    assert [7.0, 7.0] in [list(line.get_ydata()) for line in axes.lines]  # type: ignore[arg-type]


def test_stack_is_an_area(panel_data: Make) -> None:
    both = QueryResult(series=[TWO.series[0], TWO.series[0]])
    custom = {"defaults": {"custom": {"stacking": {"mode": "normal"}}}}
    axes, _ = drawn(panel_data("timeseries", both, fieldConfig=custom))
    assert len(axes.collections) == 2


def test_many_series_are_counted(panel_data: Make) -> None:
    many = QueryResult(
        series=[series((0, number), (60, number), service=str(number)) for number in range(9)]
    )
    _, words = drawn(panel_data("timeseries", many))
    assert "and 3 more" in words


def test_stat_has_value_and_name(panel_data: Make) -> None:
    _, words = drawn(panel_data("stat", TWO, legend="{{service}}", fieldConfig=STATES))
    assert words == ["54", "web", "up", "chat"]


def test_bar_has_value_and_name(panel_data: Make) -> None:
    _, words = drawn(panel_data("bargauge", TWO, legend="{{service}}"))
    assert words == ["web", "54", "chat", "1"]


def test_table_has_heads_and_cells(panel_data: Make) -> None:
    _, words = drawn(panel_data("table", TWO))
    assert words == ["service", "web", "chat", "Value", "54", "1"]


def test_truncated_table_shows_the_rest(panel_data: Make) -> None:
    many = QueryResult(series=[series((0, number), service=str(number)) for number in range(90)])
    _, words = drawn(panel_data("table", many))
    assert words[-1].startswith("and ")


def test_newest_line_is_first(panel_data: Make) -> None:
    _, words = drawn(panel_data("logs", lines("old", "new  one")))
    assert words == ["00:00:01.000 E  new one", "00:00:00.000 E  old"]


def test_states_have_texts(panel_data: Make) -> None:
    axes, words = drawn(panel_data("state-timeline", TWO, legend="{{service}}", fieldConfig=STATES))
    assert {" down", " up"} <= set(words)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["web", "chat"]


def test_stretches_end_where_a_value_ends() -> None:
    assert list(stretches(TWO.series[1])) == [(0, 60, 1), (60, 180, 0), (300, 360, 1)]


@pytest.mark.parametrize("kind", KINDS)
def test_missing_data_has_its_text(panel_data: Make, kind: str) -> None:
    assert drawn(panel_data(kind, EMPTY))[1] == ["No data"]


def test_unsupported_panel_has_a_message(panel_data: Make) -> None:
    assert drawn(panel_data("annolist"))[1] == ["annolist: not supported by the preview"]


def test_queries_are_merged_by_labels(panel_data: Make) -> None:
    first = QueryResult(
        series=[series((0, 1), service="web", job="x"), series((0, 2), service="chat", job="x")]
    )
    second = QueryResult(series=[series((0, 3), service="web", job="x")])
    columns, rows = table_rows(panel_data("table", first, second, transformations=[ORGANIZE]))
    assert columns == ["Service", "Value #B", "Requests"]
    assert rows == [
        {"Service": "web", "Value #B": "3", "Requests": "1"},
        {"Service": "chat", "Value #B": "", "Requests": "2"},
    ]


def test_plain_table_has_all_labels(panel_data: Make) -> None:
    result = QueryResult(series=[series((0, 1), __name__="up", service="web")])
    assert table_rows(panel_data("table", result)) == (
        ["service", "Value"],
        [{"service": "web", "Value": "1"}],
    )


def test_shades_differ_and_one_is_the_colour() -> None:
    assert shades("#0072B2", 1) == ["#0072B2"]
    assert len(set(shades("#0072B2", 5))) == 5
