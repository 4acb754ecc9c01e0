from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from alertdrill.clients.prometheus import Line
from alertdrill.drills.model import DrillError
from alertdrill.drills.report.files import failed_alerts, to_json, to_junit
from alertdrill.drills.result import Chart, DrillResult, Report

from .conftest import BEGAN, Make


def test_json_has_every_field(report: Report) -> None:
    document = json.loads(to_json(report))
    assert (document["passed"], document["speed"], document["runtime"]) == (False, 12, "native")
    assert [result["verdict"] for result in document["results"]] == ["passed", "failed", "aborted"]
    assert document["results"][0]["ratio"] == 1.2
    assert document["results"][0]["ideal"]["firing"] == {
        "fastest": 4,
        "expected": 5,
        "slowest": 6,
    }
    assert document["results"][0]["chart"]["values"][0]["labels"] == {"service": "web"}


def test_json_has_the_healing(report: Report, healed: DrillResult) -> None:
    [document] = json.loads(to_json(replace(report, results=[healed])))["results"]
    assert (document["heal"], document["recovered_at"], document["times"]["healed"]) == (
        "scale_out",
        BEGAN + 19,
        9,
    )
    assert document["actions"] == ["scale_out of web", "scale_out of web", "scale_in of web"]


def test_number_that_is_not_finite_is_null(report: Report, drill: Make) -> None:
    chart = Chart("a", values=[Line({}, [(BEGAN, math.nan), (BEGAN + 1, math.inf)])])
    document = json.loads(to_json(replace(report, results=[drill(chart=chart)])))
    points = document["results"][0]["chart"]["values"][0]["points"]
    assert points == [[BEGAN, None], [BEGAN + 1, None]]


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


@pytest.fixture
def suite(report: Report) -> ET.Element:
    element = ET.fromstring(to_junit(report)).find("testsuite")
    assert element is not None
    return element


def test_case_is_a_drill(suite: ET.Element) -> None:
    case = suite[0]
    assert case.attrib == {
        "classname": "drills.page",
        "name": "WebHighErrorRate",
        "time": "30.000",
    }
    assert case.find("failure") is None
    assert "firing 6.0 s" in (case.findtext("system-out") or "")


def test_case_names_the_healer(report: Report, healed: DrillResult, suite: ET.Element) -> None:
    [case] = ET.fromstring(to_junit(replace(report, results=[healed]))).iter("testcase")
    output = case.findtext("system-out") or ""
    assert "healed 9.0 s, resolved 5.0 s. Healed by the responder: scale_out of web" in output
    assert "Healed" not in (suite[0].findtext("system-out") or "")


def test_aborted_is_a_failure_with_its_reason(suite: ET.Element) -> None:
    failure = suite[2].find("failure")
    assert failure is not None
    assert failure.attrib == {"type": "aborted", "message": "There was no steady state."}


def test_skipped_is_no_failure(report: Report, skipped: DrillResult) -> None:
    suite = ET.fromstring(to_junit(replace(report, results=[skipped]))).find("testsuite")
    assert suite is not None
    assert (suite.get("failures"), suite.get("skipped")) == ("0", "1")
    assert suite[0].find("failure") is None
    element = suite[0].find("skipped")
    assert element is not None
    assert element.get("message") == "There is no loki."
