from pathlib import Path

from grafana.preview.panel_data import Page, collect
from grafana.preview.sheet import MARK, paint, write
from grafana.query_check.dashboard_file import parse
from grafana.query_check.evaluation import QueryRunner
from tests.unit.grafana.fake_prometheus import FakePrometheus
from tests.unit.grafana.samples import LOKI, document, panel, target

NOW = 10**12


def page(prometheus: FakePrometheus, last: str = "") -> Page:
    lines = {"refId": "A", "expr": "{}", "datasource": LOKI}
    panel_queries = document(
        panel("Fine", target('up{service=~"$service"}')),
        panel("Wrong", target("rate($x)")),
        panel("Lines", lines),
        panel("Words", type="text"),
    )
    return collect(parse(panel_queries), QueryRunner(prometheus.url, None), NOW, last)


def test_panels_have_results_or_problems(prometheus: FakePrometheus) -> None:
    shown = page(prometheus)
    assert [panel.panel.title for panel in shown.panel_data] == [
        "Fine",
        "Wrong",
        "Lines",
        "Words",
    ]
    assert [len(panel.queries) for panel in shown.panel_data] == [1, 1, 1, 0]
    assert [panel.empty for panel in shown.panel_data] == [False, True, True, True]
    assert shown.panel_data[1].problem.startswith("400: parse error")
    assert shown.panel_data[2].problem == "data source 'loki' is not available"
    assert shown.chosen == {"service": "All"}


def test_other_time_range_may_be_shown(prometheus: FakePrometheus) -> None:
    assert page(prometheus).time_range.width == 3_600_000
    assert page(prometheus, "5m").time_range.width == 300_000


def test_sheet_is_marked_as_preview(prometheus: FakePrometheus, tmp_path: Path) -> None:
    row = {"type": "row", "title": "A row", "gridPos": {"x": 0, "y": 0, "w": 24, "h": 1}}
    title = "Is it up, and has it been so for a long time now?"
    sample = parse(document(row, panel(title, target("up"))))
    drawn = collect(sample, QueryRunner(prometheus.url, None), NOW)
    words = {text.get_text() for text in paint(drawn).texts}
    assert {MARK, "Sample", "A row", "service: All"} <= words
    file = write(drawn, tmp_path)
    assert file == tmp_path / "sample.png"
    assert file.read_bytes().startswith(b"\x89PNG")
