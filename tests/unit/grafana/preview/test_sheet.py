from pathlib import Path

from grafana.preview.panel_data import collect
from grafana.preview.sheet import MARK, names, paint, write
from grafana.query_check.dashboard_file import parse
from grafana.query_check.query_runner import QueryRunner
from tests.unit.grafana.fake_prometheus import FakePrometheus
from tests.unit.grafana.samples import document, panel, target

ROW = {"type": "row", "title": "A row", "gridPos": {"x": 0, "y": 0, "w": 24, "h": 1}}


def test_sheet_is_marked_as_preview(prometheus: FakePrometheus, tmp_path: Path) -> None:
    sample = parse(
        document(ROW, panel("Is it up, and has it been so for a long time now?", target("up")))
    )
    page = collect(sample, QueryRunner(prometheus.url, None), 10**12)
    words = [text.get_text() for text in paint(page).texts]
    assert MARK in words
    assert {"Sample", "A row", "service: All"} <= set(words)
    file = write(page, tmp_path)
    assert file.read_bytes().startswith(b"\x89PNG")
    assert names([file]) == "sample.png"
