import math

import pytest

from grafana.preview import fields
from grafana.query_check.data_sources import QueryResult
from tests.unit.grafana.preview.conftest import Make, series

CONFIG = {
    "defaults": {
        "unit": "percentunit",
        "mappings": [
            {"type": "value", "options": {"0": {"text": "down", "color": "#D55E00"}}},
            {"type": "range", "options": {"from": 5, "to": None, "result": {"text": "many"}}},
            {"type": "special", "options": {"match": "null+nan", "result": {"text": "nothing"}}},
        ],
        "thresholds": {"steps": [{"color": "blue", "value": None}, {"color": "red", "value": 0.5}]},
        "custom": {"thresholdsStyle": {"mode": "dashed"}},
    },
    "overrides": [
        {
            "matcher": {"id": "byName", "options": "Requests"},
            "properties": [{"id": "unit", "value": "reqps"}],
        },
        {
            "matcher": {"id": "byName", "options": "Drill"},
            "properties": [
                {
                    "id": "mappings",
                    "value": [{"type": "value", "options": {"0": {"text": "failed"}}}],
                }
            ],
        },
    ],
}
RESULT = QueryResult(series=[series((0, 1), (5, 3), (10, math.nan), a="x", b="y")])


def test_legend_is_filled(panel_data: Make) -> None:
    data = panel_data("stat", RESULT, legend="{{a}} of {{ b }}{{c}}")
    assert fields.name(data.queries[0], data.queries[0].result.series[0]) == "x of y"
    data = panel_data("stat", RESULT)
    assert fields.name(data.queries[0], data.queries[0].result.series[0]) == "x, y"
    assert fields.name(data.queries[0], series()) == "up"


def test_field_may_have_its_own_value_texts(panel_data: Make) -> None:
    data = panel_data("table", RESULT, fieldConfig=CONFIG)
    assert fields.value_text(data, 0, "Drill") == "failed"


def test_value_is_mapped_or_in_its_unit(panel_data: Make) -> None:
    data = panel_data("stat", RESULT, fieldConfig=CONFIG)
    assert [fields.value_text(data, number) for number in (0, 0.2, 7, math.nan)] == [
        *("down", "20 %", "many", "nothing")
    ]
    assert fields.value_text(data, 3, "Requests") == "3 req/s"


def test_colour_is_of_mapping_or_threshold(panel_data: Make) -> None:
    data = panel_data("stat", RESULT, fieldConfig=CONFIG)
    assert [fields.colour(data, number) for number in (0, 0.2, 0.5)] == ["#D55E00", "blue", "red"]


def test_last_number_is_shown() -> None:
    [one_series] = RESULT.series
    assert fields.last(one_series) == 3
    assert math.isnan(fields.last(series((0, math.nan))))


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.123, "percentunit", "12.3 %"),
        (0.0321, "s", "32.1 ms"),
        (0.00002, "s", "20 µs"),
        (0, "s", "0 s"),
        (90, "s", "1.5 min"),
        (1536, "bytes", "1.5 KiB"),
        (2 * 2**50, "bytes", "2048 TiB"),
        (5 * 2**20, "binBps", "5 MiB/s"),
        (12.345, "reqps", "12.3 req/s"),
        (12_300, "short", "12.3 K"),
        (3, "furlongs", "3"),
        (1763917220_000, "dateTimeFromNow", "23 Nov 17:00 UTC"),
        (math.nan, "s", "no data"),
        (math.inf, "short", "inf"),
    ],
)
def test_values_are_written_in_their_unit(value: float, unit: str, expected: str) -> None:
    assert fields.format_value(value, unit) == expected
