import json
from pathlib import Path

import pytest

from alertdrill.drills.errors import DrillError
from alertdrill.drills.report.last import not_passed


def reported(home: Path, run: str, **verdicts: str) -> None:
    folder = home / "drills" / run
    folder.mkdir(parents=True)
    outcomes = [{"alert": alert, "verdict": verdict} for alert, verdict in verdicts.items()]
    (folder / "report.json").write_text(json.dumps({"outcomes": outcomes}))


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
    assert not_passed(tmp_path) == ["Down", "Late", "Off"]


def test_no_report_is_told(tmp_path: Path) -> None:
    with pytest.raises(DrillError, match=r"^There is no report of a run yet"):
        not_passed(tmp_path)


def test_all_passed_is_told(tmp_path: Path) -> None:
    reported(tmp_path, "2026-01-02T03-04-05", Down="passed", Out="skipped")
    with pytest.raises(DrillError, match=r"nothing to try again"):
        not_passed(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"outcomes": [{}]}', '{"outcomes": [1]}'])
def test_broken_report_is_told(tmp_path: Path, text: str) -> None:
    reported(tmp_path, "2026-01-02T03-04-05")
    (tmp_path / "drills" / "2026-01-02T03-04-05" / "report.json").write_text(text)
    with pytest.raises(DrillError, match=r"can't be read: run the drills without --last-failed"):
        not_passed(tmp_path)
