from grafana.preview.tables import table
from grafana.query_check.results import QueryResult
from tests.unit.grafana.preview.conftest import Make, series

ORGANIZE = {
    "id": "organize",
    "options": {
        "excludeByName": {"job": True, "Time": True},
        "indexByName": {"service": 0, "Value #B": 1, "Value #A": 2},
        "renameByName": {"service": "Service", "Value #A": "Requests"},
    },
}


def test_queries_are_merged_by_labels(panel_data: Make) -> None:
    first = QueryResult(
        series=[series((0, 1), service="web", job="x"), series((0, 2), service="chat", job="x")]
    )
    second = QueryResult(series=[series((0, 3), service="web", job="x")])
    columns, rows = table(panel_data("table", first, second, transformations=[ORGANIZE]))
    assert columns == ["Service", "Value #B", "Requests"]
    assert rows == [
        {"Service": "web", "Value #B": "3", "Requests": "1"},
        {"Service": "chat", "Value #B": "", "Requests": "2"},
    ]


def test_plain_table_has_all_labels(panel_data: Make) -> None:
    result = QueryResult(series=[series((0, 1), __name__="up", service="web")])
    assert table(panel_data("table", result)) == (
        ["service", "Value"],
        [{"service": "web", "Value": "1"}],
    )
