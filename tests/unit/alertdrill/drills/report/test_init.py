from __future__ import annotations

from pathlib import Path

from alertdrill.drills.report import write
from alertdrill.drills.result import Report


def test_three_reports_are_written(report: Report, tmp_path: Path) -> None:
    page = write(report, tmp_path / "runs" / "1")
    assert page.name == "index.html"
    assert {file.name for file in page.parent.iterdir()} == {
        "index.html",
        "junit.xml",
        "report.json",
    }
