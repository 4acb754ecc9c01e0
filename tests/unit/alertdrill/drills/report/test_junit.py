from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from alertdrill.drills.report.junit import to_junit
from alertdrill.drills.result import DrillResult, Report


@pytest.fixture
def suite(report: Report) -> ET.Element:
    element = ET.fromstring(to_junit(report)).find("testsuite")
    assert element is not None
    return element


def test_suite_counts_the_failures(suite: ET.Element) -> None:
    counts = ("tests", "failures", "errors", "skipped", "time", "timestamp")
    assert [suite.get(count) for count in counts] == [
        "3",
        "2",
        "0",
        "0",
        "95.000",
        "2026-01-01T00:00:00.000+00:00",
    ]


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


def test_invalid_xml_characters_are_replaced(suite: ET.Element) -> None:
    failure = suite[1].find("failure")
    assert failure is not None
    assert failure.get("message") == "It did not fire: <no> data & \ufffd more."
