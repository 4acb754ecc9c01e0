import json
from pathlib import Path

import pytest

from alertdrill.drills.errors import DrillError
from alertdrill.drills.report.json_report import failed_alerts


def reported(home: Path, run: str, **verdicts: str) -> None:
    folder = home / "drills" / run
    folder.mkdir(parents=True)
    results = [{"alert": alert, "verdict": verdict} for alert, verdict in verdicts.items()]
    (folder / "report.json").write_text(json.dumps({"results": results}))


def test_newest_report_counts(tmp_path: Path) -> None:
    reported(tmp_path, "2026-01-02T03-04-05", Old="failed")
    reported(
        tmp_path,
        "2026-01-02T03-04-06",
        Down="failed",
        Up="passed",
        Late="deviated",
        Off="aborted",
        Out="skipped",
    )
    (tmp_path / "drills" / "2026-01-02T03-04-07").mkdir()  # a run that was cut off
    assert failed_alerts(tmp_path) == ["Down", "Late", "Off"]


def test_missing_report_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DrillError, match=r"^No report of an earlier run"):
        failed_alerts(tmp_path)


def test_all_passed_is_an_error(tmp_path: Path) -> None:
    reported(tmp_path, "2026-01-02T03-04-05", Down="passed", Out="skipped")
    with pytest.raises(DrillError, match=r"nothing to run again"):
        failed_alerts(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"results": [{}]}', '{"results": [1]}'])
def test_broken_report_is_an_error(tmp_path: Path, text: str) -> None:
    reported(tmp_path, "2026-01-02T03-04-05")
    (tmp_path / "drills" / "2026-01-02T03-04-05" / "report.json").write_text(text)
    with pytest.raises(
        DrillError, match=r"is not a readable report: run the drills without --last-failed"
    ):
        failed_alerts(tmp_path)
