from pathlib import Path

from grafana.preview.gather import gather
from grafana.preview.page import MARK, names, paint, write
from grafana.proof.asker import Asker
from grafana.proof.dashboard import parse
from tests.unit.grafana.samples import document, panel, target
from tests.unit.grafana.store import FakePrometheus

ROW = {"type": "row", "title": "A row", "gridPos": {"x": 0, "y": 0, "w": 24, "h": 1}}


def test_sheet_says_what_it_is(prometheus: FakePrometheus, tmp_path: Path) -> None:
    found = parse(
        document(ROW, panel("Is it up, and has it been so for a long time now?", target("up")))
    )
    page = gather(found, Asker(prometheus.url, None), 10**12)
    words = [one.get_text() for one in paint(page).texts]
    assert MARK in words
    assert {"Sample", "A row", "service: All"} <= set(words)
    file = write(page, tmp_path)
    assert file.read_bytes().startswith(b"\x89PNG")
    assert names([file]) == "sample.png"
