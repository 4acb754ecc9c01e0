"""Each kind of panel, drawn: what can be read of it."""

from __future__ import annotations

import math

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grafana.preview.draw import KINDS, draw
from grafana.preview.draw.timeline import stretches
from grafana.preview.gather import EMPTY, Shown
from grafana.proof.answer import Answer
from tests.unit.grafana.preview.conftest import Make, lines, series

TWO = Answer(
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


def drawn(shown: Shown) -> tuple[Axes, list[str]]:
    axes = Figure(figsize=(8, 3)).add_axes((0.1, 0.3, 0.8, 0.6))
    draw(axes, shown)
    return axes, [one.get_text() for one in axes.texts]


def test_lines_have_names_and_last_values(shown: Make) -> None:
    custom = {"defaults": {"unit": "reqps", "min": 0}}
    axes, words = drawn(shown("timeseries", TWO, legend="{{service}}", fieldConfig=custom))
    assert {"web   54 req/s", "chat   1 req/s"} <= set(words)
    assert len(axes.lines) == 2
    assert axes.get_ylim()[0] == 0


def test_gap_breaks_a_line(shown: Make) -> None:
    gapped = Answer(series=[series((0, 1), (60, 1), (120, 1), (600, 1))])
    axes, _ = drawn(shown("timeseries", gapped))
    values = list(axes.lines[0].get_ydata())  # type: ignore[arg-type]
    assert sum(str(value) == "nan" for value in values) == 1


def test_thresholds_are_lines(shown: Make) -> None:
    config = {
        "defaults": {
            "thresholds": {
                "steps": [{"color": "#000", "value": None}, {"color": "#D55E00", "value": 7}]
            },
            "custom": {"thresholdsStyle": {"mode": "dashed"}},
        }
    }
    axes, _ = drawn(shown("timeseries", TWO, fieldConfig=config))
    assert [7.0, 7.0] in [list(one.get_ydata()) for one in axes.lines]  # type: ignore[arg-type]


def test_stack_is_an_area(shown: Make) -> None:
    both = Answer(series=[TWO.series[0], TWO.series[0]])
    custom = {"defaults": {"custom": {"stacking": {"mode": "normal"}}}}
    axes, _ = drawn(shown("timeseries", both, fieldConfig=custom))
    assert len(axes.collections) == 2


def test_many_series_are_counted(shown: Make) -> None:
    many = Answer(series=[series((0, one), (60, one), service=str(one)) for one in range(9)])
    _, words = drawn(shown("timeseries", many))
    assert "and 3 more" in words


def test_stat_has_value_and_name(shown: Make) -> None:
    _, words = drawn(shown("stat", TWO, legend="{{service}}", fieldConfig=STATES))
    assert words == ["54", "web", "up", "chat"]


def test_bar_has_value_and_name(shown: Make) -> None:
    _, words = drawn(shown("bargauge", TWO, legend="{{service}}"))
    assert words == ["web", "54", "chat", "1"]


def test_table_has_heads_and_cells(shown: Make) -> None:
    _, words = drawn(shown("table", TWO))
    assert words == ["service", "web", "chat", "Value", "54", "1"]


def test_long_table_is_cut_aloud(shown: Make) -> None:
    many = Answer(series=[series((0, one), service=str(one)) for one in range(90)])
    _, words = drawn(shown("table", many))
    assert words[-1].startswith("and ")


def test_newest_line_is_first(shown: Make) -> None:
    _, words = drawn(shown("logs", lines("old", "new  one")))
    assert words == ["00:00:01.000 E  new one", "00:00:00.000 E  old"]


def test_states_have_words(shown: Make) -> None:
    axes, words = drawn(shown("state-timeline", TWO, legend="{{service}}", fieldConfig=STATES))
    assert {" down", " up"} <= set(words)
    assert [one.get_text() for one in axes.get_yticklabels()] == ["web", "chat"]


def test_stretches_end_where_a_value_ends() -> None:
    assert list(stretches(TWO.series[1])) == [(0, 60, 1), (60, 180, 0), (300, 360, 1)]


@pytest.mark.parametrize("kind", KINDS)
def test_no_data_is_said(shown: Make, kind: str) -> None:
    assert drawn(shown(kind, EMPTY))[1] == ["No data"]


def test_what_only_grafana_knows_is_said(shown: Make) -> None:
    assert drawn(shown("annolist"))[1] == ["annolist: only Grafana knows it"]


def test_text_is_written(shown: Make) -> None:
    assert drawn(shown("text", options={"content": "Hello."}))[1] == ["Hello."]
